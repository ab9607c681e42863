"""Keys of [data] that the text of a file, or a sheet, tells."""

import os
from collections.abc import Sequence

from curation.look import dialect, sheet_layout, unique_names
from curation.propose import config_text
from curation.propose.choices import Line


def of(path: str, what: str | None, lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Add the keys that a file tells to those that are known.

    Args:
        path: The file.
        what: Its format, by its name; None if that tells none.
        lines: Known keys.

    Returns:
        All keys, and findings, one sentence each.

    Raises:
        UserError: the file cannot be read.
    """
    is_text = what in ("csv", None) and os.path.isfile(path)
    found = [*lines, *(sheet_layout.lines(path) if what == "xlsx" else dialect.lines(path) if is_text else [])]
    said = [f"csv = {config_text.toml(line.value)}: {line.why}" for line in found if line.key == "csv"]
    if is_text:
        found, renamed = unique_names.settle(path, found)
        said += renamed
        if what is None:
            found.append(Line("format", "csv", "a text file without a known extension"))
    return found, said
