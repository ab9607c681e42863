"""Statistics of columns and relations between them, from which config and schema are proposed."""
