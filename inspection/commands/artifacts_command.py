"""`inspect artifacts`: list artifacts, newest first."""

import argparse
from collections.abc import Callable, Sequence

from inspection.plain_records import ArtifactRow
from inspection.run_history import find_run
from inspection.store.artifact_lookup import list_artifacts
from inspection.store.metadata_store import Store
from inspection.text_output import Table, drawn, table


def answer(store: Store, args: argparse.Namespace) -> tuple[list[ArtifactRow], Callable[[], str]]:
    """Return the artifacts, and a function that formats them."""
    run = find_run(store, args.run) if args.run else None
    artifacts = list_artifacts(store, type_name=args.type, run=run, limit=args.limit)
    return artifacts, lambda: drawn(artifact_table(artifacts, run)) if artifacts else "no artifacts match\n"


def artifact_table(rows: Sequence[ArtifactRow], run: str | None) -> Table | None:
    """Return a table of artifacts; the producing run is named if it is not `run`."""
    return table(
        ["ID", "ARTIFACT", "STATE", "PRODUCED BY", "URI"],
        [[row.id, row.type, row.state, _producer(row, run), row.uri] for row in rows],
    )


def _producer(row: ArtifactRow, run: str | None) -> str | None:
    if row.producer_run in (None, run):
        return row.producer_node
    return f"{row.producer_node} of {row.producer_run}"
