"""Read-only access to ML Metadata and artifacts, without TensorFlow."""
