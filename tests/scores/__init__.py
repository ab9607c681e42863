"""What the shipped pipelines reach, each beside a plain model on the same rows: `make scores` runs this package.

A file in `pipelines/` holds one pipeline or a group of like ones: the runs that it needs, and a function that judges
them. Seeds, salts and thresholds are fixed there before a score is seen.
"""
