"""Reads ML Metadata and artifacts without TensorFlow."""
