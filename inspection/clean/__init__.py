"""`inspect clean`: what is needed, what is not, and the trash."""
