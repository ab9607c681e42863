"""Scores of the shipped pipelines, compared with baseline models on the same rows: `make scores` runs this package.

A file in `pipelines/` contains one pipeline or a group of similar ones: the runs that it needs, and a function that
computes their scores. Seeds, salts and thresholds are fixed before a score is known.
"""
