"""Files of JSON lines in a run's folder."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any


def json_lines(path: str) -> list[dict[str, Any]]:
    """Read the objects of a JSON lines file; invalid lines, such as one that a killed process truncated, are skipped.

    Returns an empty list if the file cannot be read.
    """

    def parsed() -> Iterator[dict[str, Any]]:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    value = json.loads(line)
                    if isinstance(value, dict):
                        yield value

    try:
        return list(parsed())
    except OSError:
        return []
