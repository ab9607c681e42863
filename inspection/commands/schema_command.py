"""`inspect schema ARTIFACT`: type, presence and domain of each column."""

import argparse
from collections.abc import Callable
from typing import Any

from inspection.read.schema_facts import read_schema
from inspection.store.artifact_lookup import find_typed
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, table

_MAX_CHARS = 80


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Return the columns of the schema, and a function that formats them."""
    artifact = find_typed(store, args.artifact, "Schema", pipeline=args.pipeline)
    columns = read_schema(artifact)
    rows = [[column.name, column.type, column.presence, _short(column.domain)] for column in columns]
    text = table(["COLUMN", "TYPE", "PRESENCE", "DOMAIN"], rows)
    value = {"artifact": int(artifact.id), "uri": artifact.uri, "columns": columns}
    return value, lambda: drawn(f"Schema {artifact.id}: {len(columns)} columns", text)


def _short(domain: str) -> str:
    return domain if len(domain) <= _MAX_CHARS else f"{domain[: _MAX_CHARS - 3]}..."
