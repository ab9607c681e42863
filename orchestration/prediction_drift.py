"""Predictions that the server logged, compared with those of the evaluation of the same version."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components import table_statistics
from components.validation.distances import column_distances, divergence
from components.validation.distances.column_distances import Distance
from components.validation.gate_context import by_column
from components.validation.gate_findings import Finding, round_up
from components.validation.gates.skew_gate import Settings
from inspection.read.recorded_diagnosis import read_diagnosis
from inspection.store import artifact_files, artifact_lookup
from inspection.store.metadata_store import Store
from models.data import arrow
from serving.server.row_log.logged_columns import PREFIX, VERSION

COLUMN = "prediction"
"""Name of the predictions in tables and findings."""
_EVALUATION = "the predictions of the evaluation"


def evaluated(store: Store, run: str) -> Mapping[str, Sequence[Any]]:
    """Return the predictions of a sample of rows of the evaluation, by output; nothing if none were kept."""
    for artifact, is_output in artifact_lookup.of_run(store, run):
        if artifact.type == "ModelEvaluation" and is_output:
            return read_diagnosis(artifact_files.folder(artifact.uri, "the evaluation")).predicted
    return {}


def logged(files: Sequence[str], output: str, version: int) -> list[Any]:
    """Return the predictions that a version served, from the Parquet files of the server's log; nothing of others."""
    column = f"{PREFIX}{output}"
    values: list[Any] = []
    for path in files:
        if not path.endswith(".parquet"):
            continue
        with arrow.parquet_file(path) as file:
            if not {column, VERSION} <= set(file.schema_arrow.names):
                continue
            table = file.read(columns=[column, VERSION])
        of_version = table.filter(pc.equal(table[VERSION], version))
        values += of_version[column].drop_null().to_pylist()
    return values


def distance(served: Sequence[Any], expected: Sequence[Any], settings: Settings) -> Distance:
    """Measure how far two lists of predictions differ: texts by L-infinity distance, numbers by divergence."""
    if isinstance(expected[0], str):
        served = [str(value) for value in served]
    expected_figures, served_figures = (
        by_column(table_statistics.proto([_batch(values)]))[COLUMN] for values in (expected, served)
    )
    if isinstance(expected[0], str):
        measured, note = column_distances.infinity_norm(expected_figures, served_figures)
        return Distance(COLUMN, "infinity_norm", settings.categories, measured, note)
    divergence_value = divergence.jensen_shannon(expected_figures, served_figures) or 0.0
    return Distance(COLUMN, "jensen_shannon_divergence", settings.numbers, divergence_value, "")


def finding(distance: Distance, version: int) -> Finding | None:
    """Return the finding for a distance above its limit; None within it."""
    if distance.measured <= distance.limit:
        return None
    key = "categories" if distance.key == "infinity_norm" else "numbers"
    return Finding(
        None,
        distance.limit,
        distance.measured,
        f"{COLUMN}: {distance.measure} {distance.measured:.4g} from {_EVALUATION} of version {version}, above the "
        f"limit of {distance.limit:g}{distance.note}",
        edit=f"gates.skew.{key} = {round_up(distance.measured):g} in the config",
        gate="skew",
        action="block",
    )


def _batch(values: Sequence[Any]) -> pa.RecordBatch:
    kind = pa.string() if isinstance(values[0], str) else pa.float64()
    return pa.record_batch([pa.array(values, kind)], [COLUMN])
