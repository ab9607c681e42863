"""Baseline: the model that the new one must not be worse than."""
