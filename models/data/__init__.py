"""Transformed rows: readers, streaming and the column cache."""
