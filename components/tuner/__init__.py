"""Tuning: trials of values from a space, the best of which feed the trainer."""
