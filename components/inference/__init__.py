"""Batch prediction: rows of files through an exported model, for the node `inference` and for `runner.py predict`."""
