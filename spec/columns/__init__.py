"""The columns by role, and the label."""
