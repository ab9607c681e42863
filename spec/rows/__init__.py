"""Rows: paths of data, splits, groups and expressions."""
