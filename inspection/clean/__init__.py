"""`inspect clean`: what is still needed, what can be removed, and the trash."""
