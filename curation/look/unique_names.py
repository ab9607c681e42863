"""Unique names for columns of a text file or sheet that share a name, and what columns without a name are called."""

import csv
from collections.abc import Sequence

from components.ingestion.discovery import compression
from components.ingestion.parsing import csv_header
from components.ingestion.readers import xlsx
from curation.propose.choices import Line
from spec.data import Data

MOST = 3
"""Maximum number of columns without a name that are listed."""


def settle(path: str, format_name: str | None, lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Rename columns that share a name: each repetition gets a number; name those without a name.

    Args:
        path: The file.
        format_name: Its format, `xlsx` or one of text.
        lines: Known keys of [data].

    Returns:
        The keys, with `csv.names` if needed, and messages for the user.
    """
    data_keys = {line.key: line.value for line in lines if line.active}
    data = Data.model_validate({"csv": data_keys.get("csv", {}), "path": path})
    try:
        header = xlsx.header(path, data) if format_name == "xlsx" else csv_header.read(path, data)
    except (csv.Error, *compression.FAULTS):
        return list(lines), []  # the reader reports the fault
    findings = [
        f"column {header.names.index(name) + 1} has no name in the header, and is called {name}"
        for name in header.unnamed[:MOST]
    ]
    if len(header.unnamed) > MOST:
        findings.append(f"{len(header.unnamed) - MOST:,} more columns have no name in the header")
    names = header.names
    new_names = unique(names)
    if new_names == names:
        return list(lines), findings
    renamed = [
        f"{name!r} (column {position})" for position, name in enumerate(new_names, 1) if name != names[position - 1]
    ]
    reason = "columns with the same name are numbered"
    csv_line = next((line for line in lines if line.key == "csv"), Line("csv", {}))
    line = Line("csv", {**csv_line.value, "names": new_names}, "; ".join(filter(None, (csv_line.reason, reason))))
    other_lines = [known_line for known_line in lines if known_line.key != "csv"]
    return [*other_lines, line], [*findings, f"{reason}: {', '.join(renamed)}; data.csv.names"]


def unique(names: Sequence[str]) -> list[str]:
    """Make names unique: repetitions of NAME become NAME_2, NAME_3, ..."""
    used, result = set(names), list[str]()
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        candidate = name
        if counts[name] > 1:
            while candidate in used:
                candidate = f"{name}_{counts[name]}"
                counts[name] += candidate in used
            used.add(candidate)
        result.append(candidate)
    return result
