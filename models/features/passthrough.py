"""Role `passthrough`: a number that the network receives unchanged."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import FiniteFloat

from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """A number that the network receives unchanged."""

    types: ClassVar[tuple[str, ...]] = ("INT", "FLOAT")
    missing: Literal["mean", "median", "drop"] | FiniteFloat | None = None
    """As for numeric."""


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the number, under the name of the column."""
    yield Output(name=settings.column)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Cast the number to float32 (batch, 1)."""
    from models.transform_graph import numbers

    cells, filled = columns.once(number, settings)
    return {settings.column: numbers.scaled(cells, filled, "none")}


def number(columns: Any, settings: Settings) -> tuple[Any, Any]:
    """Read the number, as models.transform_graph.numbers.finite returns it."""
    from models.transform_graph import numbers

    return numbers.finite(columns, settings.column, settings.missing)
