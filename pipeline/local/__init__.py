"""The embedded AWS: an emulator and a traffic plane of ours in one child process per checkout, on 127.0.0.1 only.

`supervisor` starts, finds and ends that process; `urls` translates the addresses that real AWS would answer at.
`plane` runs inside the child, in an environment of its own; nothing else of this package is imported there, and
nothing of the product knows that an emulator exists: boto3 is pointed at an endpoint, as anybody may do.
"""
