"""One reader a format: files to Arrow batches."""
