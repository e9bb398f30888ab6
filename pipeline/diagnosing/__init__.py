"""Looks for what is wrong with an environment: one small module for each group of checks, found by their place.

Reads AWS and changes nothing: what mends a finding is for the command to carry out.
"""
