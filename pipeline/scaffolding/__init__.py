"""New service repositories: what a user answered and `template/`, turned into files.

May read its own package data and write into the one directory it is told; knows nothing of AWS.
"""
