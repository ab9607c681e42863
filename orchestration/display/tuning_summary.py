"""What a tuning came to, for the terminal: the trials, the best of them, and how to take its values over."""

import csv
import json
import os
from typing import Any

from spec.file_names import TRIALS_CSV, TRIALS_JSONL, TRIALS_SVG

CELL = 40
"""Widest cell of the printed table, in characters; a whole table as a value is longer."""


def lines(folder: str, *, config: str, again: str) -> list[str]:
    """Lines to print.

    Args:
        folder: The run's folder, with what the tuner left there.
        config: Where the values would be written, as a user names it.
        again: The command that trains with the values that were found.
    """
    with open(os.path.join(folder, TRIALS_CSV), newline="", encoding="utf-8") as file:
        table = _aligned(list(csv.reader(file)))
    with open(os.path.join(folder, TRIALS_JSONL), encoding="utf-8") as file:
        trials = [json.loads(line) for line in file]
    best = next(trial for trial in trials if trial["best"])
    again_line = f"Train with it:  {again}"
    if best["trial"] == 0:
        advice = [f"The values that {config} already has are the best: there is nothing to take over."]
    else:
        advice = [again_line, f"To keep its values, write them into {config}:", *_values(best["values"])]
    return [
        *table,
        "",
        *advice,
        f"Table:  {os.path.join(folder, TRIALS_CSV)}",
        f"Plot:   {os.path.join(folder, TRIALS_SVG)}",
    ]


def _values(values: dict[str, Any]) -> list[str]:
    """Keys and values in TOML, by section."""
    sections: dict[str, list[str]] = {}
    for key, value in values.items():
        section, _, rest = key.partition(".")
        sections.setdefault(section, []).append(f"  {rest} = {_toml(value)}")
    return [line for section, keys in sections.items() for line in (f"  [{section}]", *keys)]


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


def _aligned(rows: list[list[str]]) -> list[str]:
    """Columns side by side, numbers to the right, the last one as it is."""
    rows = [[*(cell if len(cell) <= CELL else f"{cell[: CELL - 1]}…" for cell in row[:-1]), row[-1]] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
