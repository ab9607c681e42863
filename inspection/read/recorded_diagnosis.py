"""Reader of diagnosis.json in a ModelEvaluation: importance of columns, and predictions of a sample of rows."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from errors import ResourceError
from inspection.store import artifact_files
from spec.file_names import DIAGNOSIS


@dataclass(frozen=True, kw_only=True)
class ColumnImportance:
    """Permutation importance of a column.

    Attributes:
      worse: How much the metric degrades when the column is shuffled.
      value: The metric when the column is shuffled; None for NaN and infinity.
    """

    column: str
    worse: float
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Diagnosis of a model.

    Attributes:
      metric: Metric of the importance.
      rows: Number of rows of the importance.
      note: How it was computed.
      predictions: Label and prediction of a sample of rows; only for regression.
      predicted: Output -> its value for each row of the sample.
    """

    metric: str = ""
    rows: int = 0
    note: str = ""
    importance: Sequence[ColumnImportance] = ()
    predictions: Sequence[tuple[float, float]] = ()
    predicted: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def read_diagnosis(folder: str) -> Diagnosis:
    """Read diagnosis.json of a folder; empty if it has none.

    Raises:
      ResourceError: The file cannot be read, or does not contain a diagnosis.
    """
    path = os.path.join(folder, DIAGNOSIS)
    if not artifact_files.exists(path):
        return Diagnosis()
    try:
        return _diagnosis(json.loads(artifact_files.read(path)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResourceError(f"{path} is damaged: it does not contain a diagnosis") from error


def _diagnosis(content: Mapping[str, Any]) -> Diagnosis:
    return Diagnosis(
        metric=str(content.get("metric") or ""),
        rows=int(content.get("rows") or 0),
        note=str(content.get("note") or ""),
        importance=tuple(
            ColumnImportance(
                column=str(entry["column"]), worse=float(entry.get("worse") or 0.0), value=entry.get("value")
            )
            for entry in content.get("importance") or ()
        ),
        predictions=tuple(
            (float(label), float(prediction))
            for label, prediction in content.get("answers") or ()
            if label is not None and prediction is not None
        ),
        predicted={str(name): tuple(values) for name, values in (content.get("predicted") or {}).items()},
    )
