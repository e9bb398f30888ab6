"""GitHub's own description of its REST API, cut down to what tests need of it (`extract.py`)."""
