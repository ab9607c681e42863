"""Proposals of a config and a schema for new data, and comparison of data with a schema."""
