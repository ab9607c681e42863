"""Data of compiled jobs: in the image, or in a bucket, where `upload` puts it."""
