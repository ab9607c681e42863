"""Ingestion: files to tf.Examples in splits."""
