"""Tests of the skeleton: the wrapper, the locks, the checks, and what every committed file has to keep to."""
