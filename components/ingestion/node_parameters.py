"""Parameters of the ingestion node from the parts of a config, not imported by the executor.

The cache key of a stage covers the modules that its executor imports. An edit of this module does not change it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from spec.columns.duties import Duties
from spec.data import Data
from spec.rows.data_paths import Paths


def parameters(
    *,
    paths: Paths,
    data: Data,
    columns: Mapping[str, str],
    duties: Duties,
    label: str | None,
    complete: Sequence[str],
    read: Collection[str],
    classes: bool,
) -> dict[str, Any]:
    """Return the parameters of the node, without remarks; `ingestion` in component.py describes the arguments."""
    return {
        "paths": paths,
        "data": data.model_dump(mode="json", by_alias=True, exclude={"path"}),
        "columns": dict(columns),
        "duties": duties.model_dump(include={"id", "group", "time"}),
        "label": label,
        "complete": list(complete),
        # Of the columns that identify a row or its split: those that count when rows are compared.
        "read": sorted({*duties.model_dump().values(), data.split.column} & set(read)),
        "unread": sorted(set(columns) - set(read)) if classes and read else [],
        "classes": classes,
    }
