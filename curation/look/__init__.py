"""Detection of the kind of data and of the settings that read it."""
