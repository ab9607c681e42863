"""What a run was told to do: its config as resolved, or what ML Metadata knows of its nodes."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from inspection.plain_records import RunDetail
from spec.file_names import RUN

_NAMES = ("column", "columns", "name", "metric")
"""Keys by which an entry of a list is known, so that one that was put in between moves no other."""
_OURS = ("code", "content")
"""Of the properties of our nodes: digests, which tell edits that no config key tells."""


def settings_of(detail: RunDetail) -> dict[str, Any]:
    """Returns a run's settings as one level of dotted keys.

    Where the run's folder is there: the config, the data's path, the versions and the digests of code and data. Else
    all execution properties by node, as any TFX runner leaves them.
    """
    told = read_run(detail.run.folder)
    settings: dict[str, Any] = {}
    if told is not None:
        settings |= dict(flat(told.get("config") or {}))
        settings |= {"data": told.get("data")}
        settings |= dict(flat(told.get("versions") or {}, "versions"))
    for node in detail.nodes:
        for key, value in node.properties.items():
            name = f"{node.node_id}.{key}"
            if told is None or key in _OURS:
                settings |= dict(flat(_parsed(value), name))
            elif key == "custom_config" and isinstance(inner := _parsed(value), Mapping) and "code" in inner:
                settings |= dict(flat(inner["code"], f"{node.node_id}.code"))
    return {key: value for key, value in settings.items() if value is not None}


def read_run(folder: str | None) -> dict[str, Any] | None:
    """Reads a run's run.json; None where there is none that can be read."""
    if folder is None:
        return None
    try:
        with open(os.path.join(folder, RUN), encoding="utf-8") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def flat(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the leaves of nested values with their dotted keys, as in features.numeric[sqft_lot].scale."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{above}.{key}" if above else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for place, each in enumerate(value):
            name = next((each[key] for key in _NAMES if each.get(key)), place)
            name = " x ".join(map(str, name)) if isinstance(name, list) else name
            yield from flat(each, f"{above}[{name}]")
    else:
        yield above, value


def _parsed(value: Any) -> Any:
    """Returns what a property's JSON holds; anything else stays."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
