"""Statistics: TFDV statistics of every split."""

from components.statistics.component import statistics

__all__ = ["statistics"]
