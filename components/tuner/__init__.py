"""Tuning: trials of values from a space, the best of which feed the trainer."""

from components.tuner.component import tuner

__all__ = ["tuner"]
