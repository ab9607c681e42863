"""Rows: paths of data, splits, groups, slices and expressions."""
