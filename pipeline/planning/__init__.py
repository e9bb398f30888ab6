"""The pure planner: desired state, observed state and the last release in; a plan, as data, out."""
