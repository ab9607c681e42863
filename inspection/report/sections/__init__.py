"""The sections of a report, one per file: each returns its HTML, or None if it is empty."""
