"""Settings of a run: its resolved config, or the execution properties in ML Metadata."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from inspection.plain_records import RunDetail
from inspection.read.recorded_run import RecordedRun, read_run

_NAMES = ("column", "columns", "name", "metric")
"""Keys that identify an entry of a list, so that an inserted entry does not shift the others."""
_DIGESTS = ("code", "content")
"""Properties of our nodes that change with edits of code and data, which the config does not show."""


def settings_of(detail: RunDetail) -> dict[str, Any]:
    """Return the settings of a run with dotted keys.

    With run.json: the config with the tuner's values, the path of the data, the versions, and the digests of code and
    data. Without it: the execution properties of all nodes, which any TFX runner records.
    """
    run_file = read_run(detail.run.folder)
    settings: dict[str, Any] = {}
    if run_file is not None:
        settings |= dict(flat(run_file.used)) if run_file.config else {}
        settings |= {"data": run_file.data}
        settings |= dict(flat(run_file.versions, "versions")) if run_file.versions else {}
    for node in detail.nodes:
        for key, value in node.properties.items():
            name = f"{node.node_id}.{key}"
            if run_file is None or key in _DIGESTS:
                settings |= dict(flat(_parsed(value), name))
            elif key == "custom_config" and isinstance(inner := _parsed(value), Mapping) and "code" in inner:
                settings |= dict(flat(inner["code"], f"{node.node_id}.code"))
    return {key: value for key, value in settings.items() if value is not None}


def from_tuner(run_file: RecordedRun | None) -> dict[str, Any]:
    """Map the flat keys whose values the tuner chose to the values that the config has for them."""
    if run_file is None or not run_file.tuned:
        return {}
    configured = dict(flat(run_file.config))
    return {key: configured.get(key) for key, value in flat(run_file.used) if configured.get(key) != value}


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested values with dotted keys, such as features.numeric[sqft_lot].scale."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
        for index, entry in enumerate(value):
            name = next((entry[key] for key in _NAMES if entry.get(key)), index)
            name = " x ".join(map(str, name)) if isinstance(name, list) else name
            yield from flat(entry, f"{prefix}[{name}]")
    else:
        yield prefix, value


def _parsed(value: Any) -> Any:
    """Parse a property that is JSON; return any other value as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
