"""Preprocessing inside the transform graph: one file a kind of column."""
