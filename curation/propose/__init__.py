"""Proposals for a config and a schema, each with its reason."""
