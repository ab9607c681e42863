"""Pushed models in formats of other runtimes."""
