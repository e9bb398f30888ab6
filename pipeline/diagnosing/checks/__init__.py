"""The checks. A module here with a tuple `CHECKS` is all that there is to adding some."""
