"""`inspect clean`: needed artifacts, removable files, and the trash."""
