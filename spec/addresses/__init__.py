"""Addresses in a config: buckets and databases."""
