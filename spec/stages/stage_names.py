"""Ids of stages that several packages name. Imports nothing: the command line reads them at once."""

INFERENCE = "inference"
"""The stage that predicts the rows of [inference]."""
RESOLVERS = ("warm-start", "history", "baseline")
"""Stages that look up artifacts of earlier runs; they run every time."""
