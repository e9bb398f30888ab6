"""Frozen values that flow between the rooms; no I/O, no decisions about AWS."""
