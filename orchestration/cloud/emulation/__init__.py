"""Dry run of a compiled job on this machine: emulated platforms, real steps."""
