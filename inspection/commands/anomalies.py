"""`inspect anomalies ARTIFACT`: where the data does not fit the schema."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from inspection.artifacts import find_typed
from inspection.drawing import drawn, table
from inspection.schemas import Anomaly, read_anomalies
from inspection.store import Store


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Returns the anomalies, and a function that draws them."""
    artifact = find_typed(store, args.artifact, "ExampleAnomalies", pipeline=args.pipeline)
    splits, found = read_anomalies(artifact)
    value = {"artifact": int(artifact.id), "splits": splits, "anomalies": found}
    return value, lambda: _text(int(artifact.id), splits, found)


def _text(artifact: int, splits: Sequence[str], found: Sequence[Anomaly]) -> str:
    head = f"ExampleAnomalies {artifact}: {len(found) or 'no'} anomal{'y' if len(found) < 2 else 'ies'}"
    rows = [[each.severity, each.column or "(all)", each.split, each.what, each.description] for each in found]
    named = ", ".join(splits)
    return drawn(f"{head} in {named}", table(["SEVERITY", "COLUMN", "SPLIT", "WHAT", "DESCRIPTION"], rows))
