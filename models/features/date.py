"""Role `date`: a date split into parts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from spec.columns.role import ColumnRole, Output

DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
"""A date as a regular expression that RE2 reads too; that the month has the day is checked separately."""
DEPTHS = {"year": 0, "month": 12, "day": 31, "day_of_week": 7, "hour": 24, "days": 0}
"""Part of a date -> number of its values if it is one-hot encoded, or 0 for a number."""


class Settings(ColumnRole):
    """A date written YYYY-MM-DD, with or without a time of day, split into parts."""

    types: ClassVar[tuple[str, ...]] = ("BYTES",)
    compared: ClassVar[bool] = False
    parts: tuple[Literal["year", "month", "day", "day_of_week", "hour", "days"], ...] = ("year", "month", "day_of_week")
    """year and days (since 1970-01-01) are z-scored numbers, the others one-hot; day_of_week counts from Monday; hour
    is that of the time of day as written, 0 without one."""
    missing: Literal["drop"] | str | None = None
    """Date that replaces null; drop: drop the row. Unset: the column must be complete."""

    @model_validator(mode="after")
    def _replacement_is_a_date(self) -> "Settings":
        if self.missing not in (None, "drop") and not re.match(DATE, str(self.missing)):
            raise ValueError('missing must be a date written YYYY-MM-DD, or "drop"')
        return self


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield one feature for each part."""
    for part in settings.parts:
        depth = DEPTHS[part] or None
        yield Output(name=f"{settings.column}_{part}", kind="index" if depth else "number", depth=depth)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Split the date: int64 (batch, 1) from 0 for each one-hot part, z-scored float32 (batch, 1) for each number."""
    import tensorflow as tf

    from models.transform_graph import dates, numbers, raw_columns

    cells = columns.cells(settings.column, settings.missing)
    text = cells.fill(dates.EPOCH if settings.missing in raw_columns.NO_RULE else settings.missing)
    parts = dates.checked_parts(text, settings.column, hour="hour" in settings.parts)
    features: dict[str, Any] = {}
    for part in settings.parts:
        value = parts[part]
        if not DEPTHS[part]:
            value = tf.cast(value, tf.float64)
            value = numbers.z_score(raw_columns.Cells(value, cells.present), value)
        features[f"{settings.column}_{part}"] = value
    return features
