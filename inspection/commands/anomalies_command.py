"""`inspect anomalies ARTIFACT`: where the data does not fit the schema."""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from errors import UserError
from inspection.read.schema_facts import Anomaly, read_anomalies
from inspection.run_history import find_run, show_run
from inspection.store import artifact_files
from inspection.store.artifact_lookup import by_id, find_typed, of_run
from inspection.store.metadata_store import RUN_CONTEXT, Store
from inspection.text_output import drawn, table
from spec.file_names import GATES

KIND = "ExampleAnomalies"


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Returns the anomalies, and a function that draws them."""
    blocked = _blocked(store, args.artifact, args.pipeline)
    if blocked is not None:
        return blocked, lambda: _gates(blocked["run"], blocked["gates"])
    artifact = find_typed(store, args.artifact, KIND, pipeline=args.pipeline)
    splits, found = read_anomalies(artifact)
    value = {"artifact": int(artifact.id), "splits": splits, "anomalies": found}
    return value, lambda: _text(int(artifact.id), splits, found)


def _blocked(store: Store, wanted: str, pipeline: str | None) -> dict[str, Any] | None:
    """Returns what a gate found that kept a run from making anomalies; None where it made some, or another is meant.

    Raises:
      UserError: The run ended before its data was looked at.
    """
    if by_id(store, wanted) is not None or not store.contexts(RUN_CONTEXT):
        return None
    run_id = find_run(store, wanted, pipeline=pipeline)
    # An earlier run's anomalies are an input of the history.
    if any(made and artifact.type == KIND for artifact, made in of_run(store, run_id)):
        return None
    run = show_run(store, run_id).run
    path = os.path.join(run.folder or "", GATES)
    if not run.folder or not os.path.isfile(path):
        raise UserError(f"run {run_id} is {run.state} and looked at no data: it made no {KIND}")
    return {"run": run_id, "state": run.state, "gates": json.loads(artifact_files.read(path))}


def _gates(run_id: str, found: Sequence[dict[str, Any]]) -> str:
    rows = [
        [one.get("action"), one.get("gate"), one.get("column") or "(all)", one.get("text"), one.get("edit")]
        for one in found
    ]
    head = f"Run {run_id}: its data was refused, so it made no {KIND}; what the gates found:"
    return drawn(head, table(["ACTION", "GATE", "COLUMN", "WHAT", "TO ACCEPT IT"], rows))


def _text(artifact: int, splits: Sequence[str], found: Sequence[Anomaly]) -> str:
    head = f"ExampleAnomalies {artifact}: {len(found) or 'no'} anomal{'y' if len(found) < 2 else 'ies'}"
    rows = [[each.severity, each.column or "(all)", each.split, each.what, each.description] for each in found]
    named = ", ".join(splits)
    return drawn(f"{head} in {named}", table(["SEVERITY", "COLUMN", "SPLIT", "WHAT", "DESCRIPTION"], rows))
