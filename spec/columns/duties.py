"""[columns]: columns with a purpose other than being a feature."""

from spec.base import Strict

WEIGHT = "row_weight"
"""Name of the transformed weight of a row."""


class Duties(Strict):
    """Columns with a purpose other than being a feature."""

    id: str | None = None
    """Identifies a row: shown with it, never a feature; rows with the same id go to the same split."""
    time: str | None = None
    """Time of the row: orders a split by time, and cuts spans."""
    group: str | None = None
    """Rows with the same group go to the same split; takes precedence over id. Not allowed with a split by time or
    span, which would separate a group."""
    weight: str | None = None
    """Weight of the row in training and in the metrics: a number, 0 or more."""
