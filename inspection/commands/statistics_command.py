"""`inspect statistics ARTIFACT`: statistics of each column by split."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from errors import UserError
from inspection.display_names import nearest
from inspection.read.column_statistics import Column, Split, read_statistics
from inspection.store.artifact_lookup import STATISTICS, find_typed
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, number, table

_MAX_CHARS = 60


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Return the statistics, and a function that formats them.

    Raises:
      UserError: The artifact or the split does not exist.
    """
    artifact = find_typed(store, args.artifact, STATISTICS, pipeline=args.pipeline)
    splits = read_statistics(artifact)
    if args.split is not None and args.split not in (names := [split.split for split in splits]):
        raise UserError(f"ExampleStatistics {artifact.id} has no split {args.split!r}. {nearest(args.split, names)}")
    splits = [split for split in splits if args.split in (None, split.split)]
    title = f"ExampleStatistics {artifact.id}"
    parts = [part for split in splits for part in (f"{title}, split {split.split}: {split.rows:,} rows", _table(split))]
    return {"artifact": int(artifact.id), "splits": splits}, lambda: drawn(*parts)


def _table(split: Split) -> Any:
    header = ["COLUMN", "TYPE", "NULLS", "MEAN", "STD", "MIN", "MEDIAN", "MAX", "ZEROS", "UNIQUE", "MOST FREQUENT"]
    return table(header, [_row(column) for column in split.columns])


def _row(column: Column) -> Sequence[object]:
    numbers = [number(value) for value in (column.mean, column.std, column.min, column.median, column.max)]
    top = ", ".join(f"{value[:20]} ({number(count)})" for value, count in column.top)
    top = top if len(top) <= _MAX_CHARS else f"{top[: _MAX_CHARS - 3]}..."
    return [
        column.name,
        column.type,
        number(column.nulls),
        *numbers,
        number(column.zeros),
        number(column.unique),
        top,
    ]
