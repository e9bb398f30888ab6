"""The impure edges: reading the world, and carrying out a plan's changes."""
