"""Commands on a pushed model."""
