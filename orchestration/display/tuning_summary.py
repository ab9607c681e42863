"""Result of a tuning for the terminal: the trials, the best one, and how to use its values."""

import csv
import json
import os
from typing import Any

from spec.file_names import TRIALS_CSV, TRIALS_JSONL, TRIALS_SVG

CELL = 40
"""Maximum width of a cell in characters; a value that is a table may be longer."""


def lines(folder: str, *, config: str, command: str) -> list[str]:
    """Return the lines to print.

    Args:
        folder: The run's folder, with the files of the tuner.
        config: The config to which the values can be added.
        command: The command that trains with the best values.
    """
    with open(os.path.join(folder, TRIALS_CSV), newline="", encoding="utf-8") as file:
        table = _aligned(list(csv.reader(file)))
    with open(os.path.join(folder, TRIALS_JSONL), encoding="utf-8") as file:
        trials = [json.loads(line) for line in file]
    best = next(trial for trial in trials if trial["best"])
    train_line = f"Train with it:  {command}"
    if best["trial"] == 0:
        advice = [f"The values in {config} are already the best."]
    else:
        advice = [train_line, f"To keep the values, add them to {config}:", *_values(best["values"])]
    return [
        *table,
        "",
        *advice,
        f"Table:  {os.path.join(folder, TRIALS_CSV)}",
        f"Plot:   {os.path.join(folder, TRIALS_SVG)}",
    ]


def _values(values: dict[str, Any]) -> list[str]:
    """Return keys and values in TOML, by section."""
    sections: dict[str, list[str]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"  {name} = {_toml(value)}")
    return [line for section, keys in sections.items() for line in (f"  [{section}]", *keys)]


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


def _aligned(rows: list[list[str]]) -> list[str]:
    """Align columns to the right, except for the last one."""
    rows = [[*(cell if len(cell) <= CELL else f"{cell[: CELL - 1]}…" for cell in row[:-1]), row[-1]] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
