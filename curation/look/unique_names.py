"""Unique names for columns of a CSV file that share a name."""

import csv
from collections.abc import Sequence

from components.ingestion.parsing import csv_header
from curation.propose.choices import Line
from spec.data import Data


def settle(path: str, lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Rename columns that share a name: each repetition gets a number.

    Args:
        path: The file.
        lines: Known keys of [data].

    Returns:
        The keys, with `csv.names` if needed, and messages for the user.
    """
    known = {line.key: line.value for line in lines if line.active}
    data = Data.model_validate({"csv": known.get("csv", {}), "path": path})
    try:
        names = csv_header.read(path, data).names
    except csv.Error:
        return list(lines), []  # the reader reports the fault
    made = unique(names)
    if made == names:
        return list(lines), []
    renamed = [f"{name!r} (column {place})" for place, name in enumerate(made, 1) if name != names[place - 1]]
    why = "columns with the same name are numbered"
    found = next((line for line in lines if line.key == "csv"), Line("csv", {}))
    line = Line("csv", {**found.value, "names": made}, "; ".join(filter(None, (found.why, why))))
    others = [other for other in lines if other.key != "csv"]
    return [*others, line], [f"{why}: {', '.join(renamed)}; data.csv.names"]


def unique(names: Sequence[str]) -> list[str]:
    """Make names unique: repetitions of NAME become NAME_2, NAME_3, ..."""
    taken, made = set(names), list[str]()
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        other = name
        if seen[name] > 1:
            while other in taken:
                other = f"{name}_{seen[name]}"
                seen[name] += other in taken
            taken.add(other)
        made.append(other)
    return made
