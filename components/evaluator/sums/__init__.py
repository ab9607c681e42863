"""Sums over rows that metrics are computed from: accumulators by slice and fold, and curves."""
