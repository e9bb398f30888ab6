"""Lambda as the emulator lacks it: weighted aliases, resource policies by qualifier, guards, metrics by version."""
