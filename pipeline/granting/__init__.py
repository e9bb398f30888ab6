"""What the roles of a service's CI may do, worked out from its specs: policies, trust, the resources of an account.

Pure but for its own package data. Knows IAM's actions as data, and nothing of calling AWS.
"""
