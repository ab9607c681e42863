"""Parameters of a compiled job: those that each run may set, and those that are too long for a command line."""
