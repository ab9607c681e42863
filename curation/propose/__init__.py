"""Choice of each key of a config and each column of a schema, with its reason."""
