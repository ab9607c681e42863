"""Checks of a config across its sections and against the files that it names."""
