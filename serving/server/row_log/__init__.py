"""A log of served rows and their predictions, for the gates on skew and for `runner.py drift`."""
