"""Artifacts as plain values: schemas, statistics, evaluations, examples."""
