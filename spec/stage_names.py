"""Ids of stages that several packages name. Imports nothing: the command line reads them at once."""

INFERENCE = "inference"
"""The stage that predicts the rows of [inference]."""
