"""ML Metadata and the files of artifacts."""
