"""Reader of ModelEvaluation artifacts: verdict.json of our evaluator, else the files of TFMA."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError
from inspection.read.tfma_protos import limit_of, metric_name, slice_of, tfma_proto
from inspection.store import artifact_files
from spec.file_names import VERDICT

_METRICS = r"metrics(-\d+-of-\d+)?(\.tfrecord)?"
_VALIDATIONS = r"validations(-\d+-of-\d+)?(\.tfrecord)?"
_COUNT = "example_count"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Metrics of a slice.

    Attributes:
      slice: Column -> value; empty for all rows.
      count: Number of rows; None if unknown.
      metrics: Metric -> value; None for NaN and infinity.
      intervals: Metric -> ends of its 95 % confidence interval, if it has one.
      baseline: Metrics of the baseline; None without a baseline.
      plain: Plain model -> its metrics.
    """

    slice: Mapping[str, Any]
    count: float | None
    metrics: Mapping[str, float | None]
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    baseline: Mapping[str, float | None] | None = None
    plain: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def others(self) -> dict[str, Mapping[str, float | None]]:
        """Metrics of the baseline and of the plain models, by the name that a table shows."""
        baseline = {"baseline": self.baseline} if self.baseline else {}
        return {**baseline, **{name.replace("_", " "): metrics for name, metrics in self.plain.items()}}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Comparison of a metric with a limit.

    Attributes:
      limit: The number, or TFMA's bounds as text; None if there is none.
      kind: floor, baseline, plain, gap, number, absent or skipped (not checked) for our evaluator; value or change for
        thresholds of TFMA.
      edit: The change of the config that would accept it.
    """

    metric: str
    slice: Mapping[str, Any]
    value: float | None
    limit: float | str | None
    ok: bool
    kind: str
    count: float | None = None
    text: str = ""
    edit: str = ""


@dataclass(frozen=True, kw_only=True)
class CutSlicing:
    """Slicing of which only the most frequent slices were evaluated.

    Attributes:
      slicing: Columns of the slicing.
      slices: Number of its slices.
      kept: Number of evaluated slices.
      rows_left: Number of rows in none of them.
    """

    slicing: Sequence[str]
    slices: int
    kept: int
    rows_left: int


@dataclass(frozen=True, kw_only=True)
class WorstRow:
    """A row with a large error.

    Attributes:
      row: Number of the row in the split.
      id: Id of the row; None without an id column.
    """

    row: int
    id: Any
    label: Any
    prediction: Any
    error: Any


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Result of an evaluation. Files of TFMA have no details, worst rows and cut slicings.

    Attributes:
      blessed: None if there were no rules.
      cells: Metrics of all rows, then of each slice.
      baseline_note: Which model the baseline is, or why there is none.
      plain_notes: How the model compares with the plain models.
      classes: Class names in order; None for tasks without classes.
      interval_method: How the intervals were computed.
      min_slice_rows: Minimum number of rows of a slice among the worst; 0 if unknown.
      unmeasured: Slicings with slices that were not evaluated.
      details: By task: confusion matrix, calibration, score histogram or cluster sizes.
      worst: Rows with the largest errors, worst first.
    """

    blessed: bool | None
    reason: str
    split: str | None
    task: str | None
    cells: tuple[Cell, ...]
    rules: tuple[Rule, ...]
    baseline_note: str = ""
    plain_notes: Sequence[str] = ()
    classes: Sequence[str] | None = None
    interval_method: str = ""
    min_slice_rows: int = 0
    unmeasured: Sequence[CutSlicing] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    worst: Sequence[WorstRow] = ()


def read_evaluation(artifact: pb.Artifact) -> Evaluation:
    """Read a ModelEvaluation artifact.

    Raises:
      UserError: The artifact is in a bucket.
      ResourceError: Files of the artifact are missing or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ModelEvaluation {artifact.id}")
    verdict = os.path.join(path, VERDICT)
    if not artifact_files.exists(verdict):
        return _tfma(path)
    try:
        return _verdict(json.loads(artifact_files.read(verdict)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResourceError(f"{verdict} is damaged: it does not contain a verdict") from error


def _verdict(verdict: Mapping[str, Any]) -> Evaluation:
    overall = Cell(
        slice={},
        count=verdict["metrics"].get(_COUNT),
        metrics=_numbers(verdict["metrics"]),
        intervals=verdict.get("intervals") or {},
        baseline=_numbers(verdict["baseline"]) if verdict.get("baseline") else None,
        plain=_of_plain_models(verdict),
    )
    slices = [
        Cell(
            slice=entry["slice"],
            count=entry["count"],
            metrics=_numbers(entry["metrics"]),
            intervals=entry.get("intervals") or {},
            baseline=_numbers(entry["baseline"]) if entry.get("baseline") else None,
            plain=_of_plain_models(entry),
        )
        for entry in verdict.get("slices", [])
    ]
    rules = [
        Rule(
            metric=entry["metric"],
            slice=entry.get("slice") or {},
            value=entry["value"],
            limit=entry["limit"],
            ok=bool(entry["ok"]),
            kind=entry["kind"],
            count=entry.get("count"),
            text=entry.get("text", ""),
            edit=entry.get("edit", ""),
        )
        for entry in verdict["rules"]
    ]
    return Evaluation(
        blessed=bool(verdict["blessed"]),
        reason=verdict["reason"],
        split=verdict.get("split"),
        task=verdict.get("task"),
        cells=(overall, *slices),
        rules=tuple(rules),
        baseline_note=verdict.get("baseline_note") or "",
        plain_notes=verdict.get("plain_notes") or (),
        classes=verdict.get("classes"),
        interval_method=verdict.get("interval_method") or "",
        min_slice_rows=int(verdict.get("worst_count") or 0),
        unmeasured=tuple(
            CutSlicing(
                slicing=entry["slicing"], slices=entry["slices"], kept=entry["kept"], rows_left=entry["rows_left"]
            )
            for entry in verdict.get("slices_left_out") or ()
        ),
        details=verdict.get("details") or {},
        worst=tuple(
            WorstRow(
                row=int(entry["row"]),
                id=entry.get("id"),
                label=entry.get("label"),
                prediction=entry.get("answer"),
                error=entry.get("error"),
            )
            for entry in verdict.get("worst") or ()
        ),
    )


def _of_plain_models(entry: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    return {name: _numbers(metrics) for name, metrics in (entry.get("plain") or {}).items()}


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: value for name, value in metrics.items() if name != _COUNT}


def _tfma(path: str) -> Evaluation:
    metric_files = artifact_files.sharded(path, _METRICS)
    if not metric_files:
        raise ResourceError(f"{path} contains no evaluation: expected verdict.json or the metrics of TFMA")
    metrics = tfma_proto("metrics_for_slice_pb2").MetricsForSlice
    parsed = [
        artifact_files.message(file, metrics, record)
        for file in metric_files
        for record in artifact_files.records(file)
    ]
    cells = sorted((_cell(proto) for proto in parsed), key=lambda cell: (bool(cell.slice), str(cell.slice)))
    blessed: bool | None = None
    rules: list[Rule] = []
    for file in artifact_files.sharded(path, _VALIDATIONS):
        for record in artifact_files.records(file):
            validation = artifact_files.message(file, tfma_proto("validation_result_pb2").ValidationResult, record)
            blessed = bool(validation.validation_ok) and blessed is not False
            rules += _failures(validation)
            if validation.missing_thresholds:
                rules.append(_absent_rule("the EvalConfig has no thresholds, so nothing was checked"))
    reason = "; ".join(rule.text for rule in rules)
    return Evaluation(
        blessed=blessed,
        reason=reason or ("every threshold of the EvalConfig holds" if blessed else ""),
        split=None,
        task=None,
        cells=tuple(cells) or (Cell(slice={}, count=None, metrics={}),),
        rules=tuple(rules),
    )


def _cell(parsed: Any) -> Cell:
    metrics: dict[str, float | None] = {}
    baseline: dict[str, float | None] = {}
    for item in parsed.metric_keys_and_values:
        kind = item.value.WhichOneof("type")
        if kind in ("double_value", "bounded_value") and not item.key.is_diff:
            value = getattr(item.value, kind).value
            value = getattr(value, "value", value)  # a DoubleValue or a plain number
            target = baseline if item.key.model_name == "baseline" else metrics
            target[metric_name(item.key)] = value if math.isfinite(value) else None
    count = metrics.pop(_COUNT, None)
    baseline.pop(_COUNT, None)
    return Cell(slice=slice_of(parsed.slice_key), count=count, metrics=metrics, baseline=baseline or None)


def _failures(validation: Any) -> list[Rule]:
    rules = [
        Rule(
            metric=metric_name(failure.metric_key),
            slice=slice_of(metric.slice_key),
            value=failure.metric_value.double_value.value if failure.HasField("metric_value") else None,
            limit=limit_of(failure.metric_threshold),
            ok=False,
            kind="change" if failure.metric_threshold.HasField("change_threshold") else "value",
            text=failure.message
            or f"{metric_name(failure.metric_key)} is outside {limit_of(failure.metric_threshold)}",
        )
        for metric in validation.metric_validations_per_slice
        for failure in metric.failures
    ]
    for missing in validation.missing_slices:
        slice_ = {**dict.fromkeys(missing.feature_keys, "any"), **missing.feature_values}
        text = "a slice that the EvalConfig names has no rows"
        rules.append(dataclasses.replace(_absent_rule(text), slice=slice_))
    return rules


def _absent_rule(text: str) -> Rule:
    return Rule(metric="", slice={}, value=None, limit=None, ok=False, kind="absent", text=text)
