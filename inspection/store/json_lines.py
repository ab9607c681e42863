"""Files of JSON lines in a run's folder."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any


def json_lines(path: str) -> list[dict[str, Any]]:
    """Reads a file of JSON lines; one that a killed process left half written is left out."""

    def parsed() -> Iterator[dict[str, Any]]:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    told = json.loads(line)
                    if isinstance(told, dict):
                        yield told

    try:
        return list(parsed())
    except OSError:
        return []
