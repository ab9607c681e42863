"""Columns that name the split of each row: train, validation and test, by their usual names."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from curation.facts.column_facts import Column, Facts
from curation.propose.choices import Line
from curation.propose.name_hints import words
from spec.rows.data_paths import READY_MADE

NAMES = ("split", "splits", "set", "subset", "partition", "fold", "sample", "usage", "phase")
"""Words in the name of such a column, most likely first."""
_SPLITS = {word: split for split, spellings in READY_MADE.items() for word in spellings}


@dataclass(frozen=True)
class Splits:
    """Columns that name splits.

    Attributes:
        column: The column that names each row's split; None if there is none.
        line: The key `split` for this column.
        others: Other column that names splits -> why it is not a feature.
    """

    column: str | None
    line: Line | None
    others: dict[str, str]


def find(facts: Facts, skip: Collection[str | None], *, ready_made: bool) -> Splits:
    """Find columns that name splits.

    Args:
        facts: Statistics of the table.
        skip: Columns with another duty.
        ready_made: Whether each file belongs to a ready-made split, so that no column is needed.
    """
    candidates = [column for column in facts.columns if column.name not in skip and _split_of_value(column)]
    usable = [] if ready_made else sorted((column for column in candidates if not column.missing), key=_likeliness)
    chosen = usable[0] if usable else None
    ignored = {}
    for column in candidates:
        if column is not chosen:
            nulls = f", null in {column.missing:,} rows" if column.missing else ""
            ignored[column.name] = f"names of splits{nulls}"
    return Splits(chosen.name if chosen else None, _line(chosen) if chosen else None, ignored)


def _split_of_value(column: Column) -> dict[str, str]:
    """Map values to splits; return nothing if a value names no split, or if train or a second split is missing."""
    if column.kind != "BYTES" or not 2 <= column.distinct <= len(_SPLITS):
        return {}
    split_of = {value: _SPLITS.get(value.strip().lower(), "") for value, _ in column.top[: column.distinct]}
    splits = set(split_of.values())
    return split_of if "train" in splits and len(splits) > 1 and "" not in splits else {}


def _likeliness(column: Column) -> int:
    name_words = words(column.name)
    return next((position for position, word in enumerate(NAMES) if word in name_words), len(NAMES))


def _line(column: Column) -> Line:
    split_of, reason = _split_of_value(column), "split of each row"
    if "test" not in split_of.values():
        tests = " and ".join(value for value, split in split_of.items() if split == "eval")
        split_of = {value: "test" if split == "eval" else split for value, split in split_of.items()}
        reason += f"; there is no test split: {tests} is the test split"
    if "eval" not in split_of.values():
        reason += "; eval is cut out of train"
    values: dict[str, Any] = {"by": "column", "column": column.name}
    renamed = {value: split for value, split in sorted(split_of.items()) if value != split}
    return Line("split", values | ({"values": renamed} if renamed else {}), reason)
