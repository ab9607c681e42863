"""The label: its column, and the transformation of its tails."""
