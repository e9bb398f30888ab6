"""One short module per command: a list of stages. Nothing here knows the details of a stage."""
