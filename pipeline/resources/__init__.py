"""Resource types: one module and one JSON Schema per AWS resource type, found by discovery.

A module here may call AWS only through the `Aws` port that it is handed, and may not import another resource type.
`base` describes the contract.
"""
