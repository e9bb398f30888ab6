"""From a repository event to what is to be done about it. Pure: no I/O, no clock, nothing but model and errors.

What comes in was written by others. Nothing of it becomes the name of an environment or of a release unless it equals
one that is known or has its exact form, and reasons show it quoted.
"""
