"""Measures the whole product against the least that AWS would let anybody do. `python -m benchmarks --help`.

Programs of their own: the package `pipeline` knows nothing of them, and they start it only as a user would.
"""
