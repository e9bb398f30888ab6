"""Lambda bundles: the same bytes for the same input, on any machine.

What goes in is files of the project and locked requirements; what comes out is zip archives in a content-addressed
store, one per distinct content. This room runs uv and, for the import check, a Python of the function's version. It
never talks to AWS and never writes outside `<root>/.pipeline/package` and the shared cache that it is handed.
`docs/packaging.md` tells users the rules.
"""
