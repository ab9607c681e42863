"""Role `numeric`: a number, scaled with statistics of the train split."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import FiniteFloat, model_validator

from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """A number, scaled with statistics of the train split."""

    types: ClassVar[tuple[str, ...]] = ("INT", "FLOAT")
    scale: Literal["z_score", "min_max", "unit", "log1p", "none"] = "z_score"
    """z_score: mean 0, variance 1; min_max: 0 to 1; unit: divided by the largest absolute value; log1p: ln(1 + x) with
    negative numbers as 0, then z_score; none: unchanged."""
    clip: tuple[FiniteFloat, FiniteFloat] | None = None
    """Lowest and highest value, in the unit of the column; values beyond are set to them before anything else. A
    constant for nulls is not clipped."""
    missing: Literal["mean", "median", "drop"] | FiniteFloat | None = None
    """Replacement of null: mean or median of the train split, a constant, or drop the row. Unset: the column must be
    complete."""

    @model_validator(mode="after")
    def _clip_rises(self) -> "Settings":
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise ValueError("clip must be [lowest, highest]")
        return self


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the number, under the name of the column."""
    yield Output(name=settings.column)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Scale the number to float32 (batch, 1)."""
    return transform_all(columns, (settings,))


def transform_all(columns: Any, entries: Sequence[Settings]) -> Mapping[str, Any]:
    """Scale the numbers of all entries as one matrix; float32 (batch, 1) each."""
    from models.transform_graph import numbers

    return numbers.scaled(columns.once(_blocks, tuple(entries)))


def number(columns: Any, settings: Settings) -> tuple[Any, Any]:
    """Read the number, clipped and not scaled, as models.transform_graph.numbers.column returns it."""
    from models.transform_graph import numbers

    return numbers.column(columns.once(_blocks, columns.features.of("numeric")), settings.column)


def _blocks(columns: Any, entries: Sequence[Settings]) -> Any:
    from models.transform_graph import numbers

    return numbers.blocks(
        columns, [numbers.Rule(entry.column, entry.missing, entry.clip, entry.scale) for entry in entries]
    )
