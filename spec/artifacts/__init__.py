"""Conventions of artifacts: atomic writes of files, and names of signatures."""
