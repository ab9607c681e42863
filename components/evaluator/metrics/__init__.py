"""Metrics by task, accumulated over batches."""
