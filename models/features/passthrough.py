"""Role `passthrough`: a number that the network receives unchanged."""

from collections.abc import Iterator, Mapping, Sequence
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
    return transform_all(columns, (settings,))


def transform_all(columns: Any, entries: Sequence[Settings]) -> Mapping[str, Any]:
    """Cast the numbers of all entries as one matrix; float32 (batch, 1) each."""
    from models.transform_graph import numbers

    return numbers.scaled(columns.once(_blocks, tuple(entries)))


def number(columns: Any, settings: Settings) -> tuple[Any, Any]:
    """Read the number, as models.transform_graph.numbers.column returns it."""
    from models.transform_graph import numbers

    return numbers.column(columns.once(_blocks, columns.features.of("passthrough")), settings.column)


def _blocks(columns: Any, entries: Sequence[Settings]) -> Any:
    from models.transform_graph import numbers

    return numbers.blocks(columns, [numbers.Rule(entry.column, entry.missing) for entry in entries])
