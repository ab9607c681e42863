"""Columns: the base of all roles, other duties of a column, and the label."""
