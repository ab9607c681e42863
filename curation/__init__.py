"""Looks at data that no config knows yet: proposes a config and a schema, and says how data and schema differ."""
