"""Checks of data that a run, `new`, `doctor` and `schema diff` share."""
