"""Fingerprints of code, libraries and artifacts, as parts of cache keys."""
