"""Faults, injected for real: one file a group of rows of docs/faults.md."""
