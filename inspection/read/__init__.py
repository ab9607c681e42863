"""Readers of artifacts: schemas, statistics, evaluations, examples."""
