"""Fingerprints of code, libraries and artifacts: parts of cache keys."""
