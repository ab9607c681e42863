"""Change of the class shares of a label with two values, which are categories although they may be numbers."""

import math
from dataclasses import dataclass
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2

from components.validation.anomaly_sentences import common
from spec.columns.label import Label

ERRORS = 3.0
"""Standard errors within which a difference of shares is chance."""


@dataclass(frozen=True)
class Shares:
    """Share of one value of the label in two data sets.

    Attributes:
        value: Value of the label as text.
        before: Share of the value in the earlier rows.
        after: Share of the value in the later rows.
        rows: Numbers of rows with a label, earlier and later.
    """

    value: str
    before: float
    after: float
    rows: tuple[float, float]

    @property
    def distance(self) -> float:
        """Difference of the shares, which for two values is their L-infinity distance; 0 if it may be chance."""
        difference, pooled = (
            abs(self.after - self.before),
            ((self.before * self.rows[0] + self.after * self.rows[1]) / sum(self.rows)),
        )
        error = math.sqrt(pooled * (1 - pooled) * (1 / self.rows[0] + 1 / self.rows[1]))
        return difference if difference > ERRORS * error else 0.0

    @property
    def note(self) -> str:
        """Both shares in words, to append to the distance."""
        return f"; {self.value} is the label of {self.after:.1%} of the rows, before of {self.before:.1%}"


def shares(label: Label, earlier: Any, later: Any) -> Shares | None:
    """Compute the shares of the label's second value from statistics.

    Args:
        label: [label].
        earlier: FeatureNameStatistics of its column in the earlier rows.
        later: FeatureNameStatistics of the column in the later rows.

    Returns:
        The shares; None if the label has, or may have, more than two values, or one of the two has no rows.
    """
    rows = common(earlier).num_non_missing, common(later).num_non_missing
    if not all(rows):
        return None
    if earlier.HasField("string_stats"):
        counts = [
            {bucket.label: bucket.sample_count for bucket in label_figures.string_stats.rank_histogram.buckets}
            for label_figures in (earlier, later)
        ]
        values = sorted({value for of_one in counts for value in of_one})
        if len(values) != 2 or not later.HasField("string_stats"):
            return None
        value = label.positive if label.positive in values else values[1]
        earlier_share, later_share = (
            of_one.get(value, 0) / number for of_one, number in zip(counts, rows, strict=True)
        )
        return Shares(repr(value), earlier_share, later_share, rows)
    if later.HasField("string_stats"):
        return None
    numbers = earlier.num_stats, later.num_stats
    low, high = min(label_figures.min for label_figures in numbers), max(label_figures.max for label_figures in numbers)
    are_integers = earlier.type == later.type == statistics_pb2.FeatureNameStatistics.INT
    # Between two consecutive integers there is no third value; other numbers must be listed as classes.
    if not (are_integers and high - low == 1) and sorted(map(_number, label.classes)) != [low, high]:
        return None
    earlier_share, later_share = ((label_figures.mean - low) / (high - low) for label_figures in numbers)
    return Shares(f"{high:g}", earlier_share, later_share, rows)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
