"""Batch prediction: `runner.py predict` applies a pushed model to the rows of files."""
