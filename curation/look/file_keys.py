"""Keys of [data] that follow from the text of a file, or from a sheet."""

import os
from collections.abc import Sequence

from curation.look import dialect, sheet_layout, unique_names
from curation.propose import config_text
from curation.propose.choices import Line


def of(path: str, format_name: str | None, lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Add the keys that follow from a file to the known ones.

    Args:
        path: The file.
        format_name: Its format, by its name; None if the name does not show it.
        lines: Known keys.

    Returns:
        All keys, and findings, one sentence each.

    Raises:
        UserError: the file cannot be read.
    """
    is_text = format_name in ("csv", None) and os.path.isfile(path)
    keys = [*lines, *(sheet_layout.lines(path) if format_name == "xlsx" else dialect.lines(path) if is_text else [])]
    findings = [f"csv = {config_text.toml(line.value)}: {line.reason}" for line in keys if line.key == "csv"]
    if is_text or format_name == "xlsx":
        keys, renamed = unique_names.settle(path, format_name, keys)
        findings += renamed
    if is_text and format_name is None:
        keys.append(Line("format", "csv", "a text file without a known extension"))
    return keys, findings
