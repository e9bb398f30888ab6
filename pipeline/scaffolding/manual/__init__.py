"""Folders that were run by hand, as new repositories: config.json, aws/*.yaml, scripts of AWS CLI calls.

What is carried over becomes specs; what is not is told with its file and line. Scripts are read and never run.
"""
