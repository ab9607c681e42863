"""Ingestion: files to tf.Examples in splits."""

from components.ingestion.component import ingestion

__all__ = ["ingestion"]
