"""Warm start: match the features and weights of an earlier model with those of the new one."""
