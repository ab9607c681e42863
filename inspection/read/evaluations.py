"""What an evaluation measured and judged: verdict.json where our evaluator wrote one, else TFMA's own files."""

import dataclasses
import importlib
import importlib.util
import json
import math
import os
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError
from inspection.store import artifact_files
from spec.file_names import VERDICT

_METRICS = r"metrics(-\d+-of-\d+)?(\.tfrecord)?"
_VALIDATIONS = r"validations(-\d+-of-\d+)?(\.tfrecord)?"
_COUNT = "example_count"
_TFMA = "tensorflow_model_analysis"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One slice.

    Attributes:
      slice: Column -> value; empty for all rows.
      metrics: Metric -> value; None where it is no number.
      intervals: Metric -> the ends of its 95 % interval, where there is one.
      baseline: The same metrics of the baseline; None without one.
    """

    slice: Mapping[str, Any]
    count: float | None
    metrics: Mapping[str, float | None]
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    baseline: Mapping[str, float | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One comparison with a limit.

    Attributes:
      kind: floor, baseline, gap, number, absent or skipped (not judged), as our evaluator says; value or change of
        TFMA's thresholds.
      limit: The number, or TFMA's bounds in words; None where there is none.
      edit: The edit of the config that would accept it.
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
class Evaluation:
    """An evaluation; of all rows in the first cell.

    Attributes:
      blessed: None where nothing was judged.
      baseline_note: What is to be said of the baseline.
    """

    blessed: bool | None
    reason: str
    split: str | None
    task: str | None
    cells: tuple[Cell, ...]
    rules: tuple[Rule, ...]
    baseline_note: str = ""


def read_evaluation(artifact: pb.Artifact) -> Evaluation:
    """Reads a ModelEvaluation artifact.

    Raises:
      UserError: It is in a bucket.
      ResourceError: Its files are gone or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ModelEvaluation {artifact.id}")
    verdict = os.path.join(path, VERDICT)
    if not os.path.exists(verdict):
        return _tfma(path)
    try:
        return _verdict(json.loads(artifact_files.read(verdict)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResourceError(f"{verdict} is damaged: it holds no verdict") from error


def _verdict(told: Mapping[str, Any]) -> Evaluation:
    overall = Cell(
        slice={},
        count=told["metrics"].get(_COUNT),
        metrics=_numbers(told["metrics"]),
        intervals=told.get("intervals") or {},
        baseline=_numbers(told["baseline"]) if told.get("baseline") else None,
    )
    slices = [
        Cell(
            slice=each["slice"],
            count=each["count"],
            metrics=_numbers(each["metrics"]),
            intervals=each.get("intervals") or {},
            baseline=_numbers(each["baseline"]) if each.get("baseline") else None,
        )
        for each in told.get("slices", [])
    ]
    rules = [
        Rule(
            metric=each["metric"],
            slice=each.get("slice") or {},
            value=each["value"],
            limit=each["limit"],
            ok=bool(each["ok"]),
            kind=each["kind"],
            count=each.get("count"),
            text=each.get("text", ""),
            edit=each.get("edit", ""),
        )
        for each in told["rules"]
    ]
    return Evaluation(
        blessed=bool(told["blessed"]),
        reason=told["reason"],
        split=told.get("split"),
        task=told.get("task"),
        cells=(overall, *slices),
        rules=tuple(rules),
        baseline_note=told.get("baseline_note") or "",
    )


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: value for name, value in metrics.items() if name != _COUNT}


def tfma_proto(name: str) -> Any:
    """Imports a module of protos from TFMA, whose own __init__ would import TensorFlow.

    A package of that name without content stands in for it meanwhile, unless the real one is there already.
    """
    full = f"{_TFMA}.proto.{name}"
    if full in sys.modules or _TFMA in sys.modules:
        return importlib.import_module(full)
    found = importlib.util.find_spec(_TFMA)
    stub = types.ModuleType(_TFMA)
    stub.__path__ = list(found.submodule_search_locations or ()) if found else []
    sys.modules[_TFMA] = stub
    try:
        importlib.import_module("google.protobuf.wrappers_pb2")  # TFMA's protos need it and do not all import it
        return importlib.import_module(full)
    finally:
        del sys.modules[_TFMA]


def _tfma(path: str) -> Evaluation:
    found = artifact_files.sharded(path, _METRICS)
    if not found:
        raise ResourceError(f"{path} holds no evaluation: expected verdict.json or TFMA's metrics")
    metrics = tfma_proto("metrics_for_slice_pb2").MetricsForSlice
    parsed = [
        artifact_files.message(file, metrics, record) for file in found for record in artifact_files.records(file)
    ]
    cells = sorted((_cell(each) for each in parsed), key=lambda cell: (bool(cell.slice), str(cell.slice)))
    blessed: bool | None = None
    rules: list[Rule] = []
    for file in artifact_files.sharded(path, _VALIDATIONS):
        for record in artifact_files.records(file):
            judged = artifact_files.message(file, tfma_proto("validation_result_pb2").ValidationResult, record)
            blessed = bool(judged.validation_ok) and blessed is not False
            rules += _failures(judged)
            if judged.missing_thresholds:
                rules.append(_unjudged("no threshold was given, so nothing could be judged"))
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
    for each in parsed.metric_keys_and_values:
        kind = each.value.WhichOneof("type")
        if kind in ("double_value", "bounded_value") and not each.key.is_diff:
            value = getattr(each.value, kind).value
            value = getattr(value, "value", value)  # a DoubleValue or a plain number
            into = baseline if each.key.model_name == "baseline" else metrics
            into[_metric(each.key)] = value if math.isfinite(value) else None
    count = metrics.pop(_COUNT, None)
    baseline.pop(_COUNT, None)
    return Cell(slice=_slice(parsed.slice_key), count=count, metrics=metrics, baseline=baseline or None)


def _metric(key: Any) -> str:
    name = str(key.name)
    for part in ("class_id", "k", "top_k"):
        if key.HasField("sub_key") and key.sub_key.HasField(part):
            name += f"@{getattr(key.sub_key, part).value}"
    return f"{key.output_name}/{name}" if key.output_name else name


def _slice(key: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for each in key.single_slice_keys:
        value = getattr(each, each.WhichOneof("kind") or "bytes_value")
        told[each.column] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return told


def _failures(judged: Any) -> list[Rule]:
    rules = [
        Rule(
            metric=_metric(failure.metric_key),
            slice=_slice(each.slice_key),
            value=failure.metric_value.double_value.value if failure.HasField("metric_value") else None,
            limit=_limit(failure.metric_threshold),
            ok=False,
            kind="change" if failure.metric_threshold.HasField("change_threshold") else "value",
            text=failure.message or f"{_metric(failure.metric_key)} is outside {_limit(failure.metric_threshold)}",
        )
        for each in judged.metric_validations_per_slice
        for failure in each.failures
    ]
    for missing in judged.missing_slices:
        told = {**dict.fromkeys(missing.feature_keys, "any"), **missing.feature_values}
        text = "a slice that the EvalConfig names has no rows"
        rules.append(dataclasses.replace(_unjudged(text), slice=told))
    return rules


def _unjudged(text: str) -> Rule:
    return Rule(metric="", slice={}, value=None, limit=None, ok=False, kind="absent", text=text)


def _limit(threshold: Any) -> str | None:
    parts = []
    if threshold.HasField("value_threshold"):
        bounds = threshold.value_threshold
        parts += [f">= {bounds.lower_bound.value:g}"] if bounds.HasField("lower_bound") else []
        parts += [f"<= {bounds.upper_bound.value:g}"] if bounds.HasField("upper_bound") else []
    if threshold.HasField("change_threshold"):
        change = threshold.change_threshold
        parts += [f"change {change.absolute.value:g}"] if change.HasField("absolute") else []
        parts += [f"change {change.relative.value:.0%}"] if change.HasField("relative") else []
    return " and ".join(parts) or None
