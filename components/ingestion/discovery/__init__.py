"""Which files the data is: formats, folders, compression and spans."""
