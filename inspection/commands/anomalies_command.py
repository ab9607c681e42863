"""`inspect anomalies ARTIFACT`: anomalies of the data against the schema, and findings of the gates."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from errors import UserError
from inspection.read.recorded_findings import SCHEMA, Finding, read_findings
from inspection.read.schema_facts import Anomaly, read_anomalies
from inspection.run_history import find_run, show_run
from inspection.store import artifact_files
from inspection.store.artifact_lookup import ANOMALIES, by_id, find_typed, of_run
from inspection.store.metadata_store import RUN_CONTEXT, Store
from inspection.text_output import Table, drawn, table


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Return anomalies and findings of the gates, and a function that formats them."""
    blocked = _blocked(store, args.artifact, args.pipeline)
    if blocked is not None:
        title = f"Run {blocked['run']}: its data was refused, so it has no {ANOMALIES}. Findings of the gates:"
        return blocked, lambda: drawn(title, _findings(blocked["gates"]))
    artifact = find_typed(store, args.artifact, ANOMALIES, pipeline=args.pipeline)
    splits, anomalies = read_anomalies(artifact)
    # Findings of the schema gate are among the anomalies.
    folder = artifact_files.folder(artifact.uri, f"{ANOMALIES} {artifact.id}")
    findings = [finding for finding in read_findings(folder) if finding.gate != SCHEMA]
    value = {"artifact": int(artifact.id), "splits": splits, "anomalies": anomalies, "gates": findings}
    return value, lambda: _text(int(artifact.id), splits, anomalies, findings)


def _blocked(store: Store, name: str, pipeline: str | None) -> dict[str, Any] | None:
    """Return the findings of a run whose data was refused, so that it has no anomalies; None for other runs.

    Raises:
      UserError: The run ended before its data was validated.
    """
    if by_id(store, name) is not None or not store.contexts(RUN_CONTEXT):
        return None
    run_id = find_run(store, name, pipeline=pipeline)
    # Anomalies of earlier runs are inputs of the history.
    if any(is_output and artifact.type == ANOMALIES for artifact, is_output in of_run(store, run_id)):
        return None
    run = show_run(store, run_id).run
    findings = read_findings(run.folder) if run.folder else []
    if not findings:
        raise UserError(f"run {run_id} is {run.state} and has not validated its data: it has no {ANOMALIES}")
    return {"run": run_id, "state": run.state, "gates": findings}


def _findings(findings: Sequence[Finding]) -> Table | None:
    rows = [
        [finding.action, finding.gate, finding.column or "(all)", finding.text, finding.edit] for finding in findings
    ]
    return table(["ACTION", "GATE", "COLUMN", "FINDING", "TO ACCEPT IT"], rows)


def _text(artifact: int, splits: Sequence[str], anomalies: Sequence[Anomaly], findings: Sequence[Finding]) -> str:
    count = f"{len(anomalies) or 'no'} anomal{'y' if len(anomalies) == 1 else 'ies'}"
    header = ["SEVERITY", "COLUMN", "SPLIT", "WHAT", "DESCRIPTION", "TO ACCEPT IT"]
    rows = [
        [anomaly.severity, anomaly.column or "(all)", anomaly.split, anomaly.what, anomaly.description, anomaly.edit]
        for anomaly in anomalies
    ]
    width = len(header) if any(anomaly.edit for anomaly in anomalies) else len(header) - 1
    parts: list[Any] = [f"{ANOMALIES} {artifact}: {count} in {', '.join(splits)}"]
    parts.append(table(header[:width], [row[:width] for row in rows]))
    parts += ["Findings of the gates:", _findings(findings)] if findings else []
    return drawn(*parts)
