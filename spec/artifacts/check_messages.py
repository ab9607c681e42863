"""Messages of the checks in a saved graph, which stages and the server look for in TensorFlow's errors."""

FINDING = "finding"
"""Prefix of the message of a check."""
FAILED = rf"assertion failed: \[{FINDING}: (.*?)\](?: \[(.*?)\])?\s*$"
"""Pattern of TensorFlow's error for a failed check: groups are its message, and the cell."""
