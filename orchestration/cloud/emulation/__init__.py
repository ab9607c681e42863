"""Dry run of a compiled job on this machine: the platforms are emulated, the steps are real."""
