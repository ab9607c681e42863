"""Provenance of a model or run: data, code, config and libraries, and why the model replaced the one before it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.plain_records import RunDetail
from inspection.read import run_origin, verdicts
from inspection.read.metric_direction import is_worse
from inspection.read.recorded_run import RecordedRun, read_run
from inspection.run_comparison import Difference, Section, compare
from inspection.run_configuration import from_tuner
from inspection.run_history import show_run
from inspection.store.artifact_lookup import find_run_or_model, model_of_run, rows
from inspection.store.metadata_store import Store
from serving import ownership, versions


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric on all rows of the test split.

    Attributes:
      before: Value of the model before, on the same rows; None without one.
      worse: Whether it is worse than before; None if neither is.
    """

    name: str
    value: float | None
    interval: Sequence[float] | None = None
    before: float | None = None
    worse: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model and the verdict on it.

    Attributes:
      trained_by: The run; an earlier one if this run reused the model from the cache.
      versions: Numbers in the serving folder that hold it, ascending.
      serves: Whether the newest of all versions holds it.
      status: Both in words.
      verdict: blessed, not blessed or not evaluated.
      baseline_note: Which model it was compared with, or why with none.
    """

    id: int
    trained_by: str | None
    versions: Sequence[int]
    serves: bool
    status: str
    verdict: str
    reason: str
    metrics: Sequence[Metric]
    baseline_note: str


@dataclass(frozen=True, kw_only=True)
class Before:
    """The model that a model was compared with.

    Attributes:
      differences: Between its run and the run of the model, by section: config, data and schema.
    """

    model: int
    run: str | None
    versions: Sequence[int]
    differences: Mapping[str, Sequence[Difference]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Inputs of a run, its model, and the previous model.

    Attributes:
      files: Files of the data: path, digest, bytes, span, version, rows.
      code: Revision of repository and project: folder, commit, dirty, changed.
      digests: Digests of config, data, schema and code.
      overrides: `key=value` of each --set.
      tuned: Config key -> value from the tuner; `configured` has the config's value of the same keys.
      config: The config with these values.
    """

    files: Sequence[Mapping[str, Any]]
    query: str | None
    code: Sequence[Mapping[str, Any]]
    digests: Mapping[str, Any]
    config: Mapping[str, Any]
    overrides: Sequence[str]
    tuned: Mapping[str, Any]
    configured: Mapping[str, Any]
    libraries: Mapping[str, Any]
    seed: int | None
    model: Model | None
    before: Before | None


def read(store: Store, name: str, *, pipeline: str | None = None) -> tuple[RunDetail, Provenance, bool]:
    """Read the provenance of a run, or of a model by its artifact id or version.

    Returns:
      The run, or the run that trained the model; its provenance; and whether `name` is a model.

    Raises:
      UserError: There is no such run or model.
    """
    run_id, model_artifact = find_run_or_model(store, name, pipeline=pipeline)
    detail = show_run(store, run_id)
    recorded = read_run(detail.run.folder) or RecordedRun()
    artifact = model_artifact if model_artifact is not None else model_of_run(store, run_id)
    model, baseline = (None, None) if artifact is None else _model(store, artifact, detail)
    provenance = Provenance(
        files=recorded.files,
        query=recorded.query.sql if recorded.query else None,
        code=recorded.git,
        digests=recorded.identity,
        config=recorded.used,
        overrides=tuple(run_origin.overrides(recorded.command)),
        tuned=recorded.tuned,
        configured=from_tuner(recorded),
        libraries=recorded.versions,
        seed=recorded.seed,
        model=model,
        before=_before(store, baseline, detail) if baseline is not None else None,
    )
    return detail, provenance, model_artifact is not None


def _model(store: Store, artifact: pb.Artifact, detail: RunDetail) -> tuple[Model, pb.Artifact | None]:
    """Return a model, and the artifact of its baseline."""
    verdict = verdicts.judge(store, artifact)
    numbers, serving = _served(artifact, detail)
    overall = verdict.overall
    metrics = [
        Metric(
            name=name,
            value=value,
            interval=overall.intervals.get(name) if overall else None,
            before=(overall.baseline or {}).get(name) if overall else None,
            worse=is_worse(name, overall.baseline.get(name), value) if overall and overall.baseline else None,
        )
        for name, value in (overall.metrics if overall else {}).items()
        if name != "example_count"
    ]
    model = Model(
        id=int(artifact.id),
        trained_by=verdict.model.producer_run,
        versions=numbers,
        serves=serving is not None and serving in numbers,
        status=_status(numbers, serving, verdict.pushed),
        verdict={None: "not evaluated", True: "blessed", False: "not blessed"}[verdict.blessed],
        reason=verdict.reason,
        metrics=metrics,
        baseline_note=verdict.baseline_note,
    )
    baseline = next(iter(store.artifacts([verdict.baseline])), None) if verdict.baseline is not None else None
    return model, baseline


def _served(artifact: pb.Artifact, detail: RunDetail) -> tuple[list[int], int | None]:
    """Return the versions that hold a model, and the version that serves."""
    folder = _serving(detail)
    if folder is None:
        return [], None
    model = ownership.relative(artifact.uri.removeprefix("file://"), folder)
    present = versions.pushed(folder)
    # A served model that the store does not know was imported to a folder named by version and digest.
    name = os.path.basename(model)
    records = [versions.read(folder, number) for number in present]
    numbers_of_model = [
        record.number
        for record in records
        if record.model == model or name == f"{record.number}-{(record.digest or '')[:8]}"
    ]
    return numbers_of_model, max(present, default=None)


def _serving(detail: RunDetail) -> str | None:
    """Return the serving folder of a run's pipeline; None for runs of other runners."""
    folder = detail.run.folder
    if folder is None or os.path.basename(os.path.dirname(folder)) != "runs":
        return None
    return os.path.join(os.path.dirname(os.path.dirname(folder)), "serving")


def _status(numbers: Sequence[int], serving: int | None, pushed: Sequence[str]) -> str:
    if serving is not None and serving in numbers:
        origin = " (restored by a rollback)" if len(numbers) > 1 else ""
        return f"version {serving} serves{origin}"
    serving_text = "no version serves" if serving is None else f"version {serving} serves"
    if numbers:
        return f"version {numbers[-1]} does not serve: {serving_text}"
    gone = [os.path.basename(path.rstrip("/")) for path in pushed]
    return (
        f"its version {gone[-1]} was removed from the serving folder: {serving_text}"
        if gone
        else f"not pushed: {serving_text}"
    )


def _before(store: Store, baseline: pb.Artifact, detail: RunDetail) -> Before:
    [row] = rows(store, [baseline])
    numbers, _ = _served(baseline, detail)
    differences: dict[str, Sequence[Difference]] = {}
    if row.producer_run is not None:
        sections: Sequence[Section] = compare(store, row.producer_run, detail.run.run_id).sections
        differences = {
            section.name: section.differences for section in sections if section.name in ("config", "data", "schema")
        }
    return Before(model=row.id, run=row.producer_run, versions=numbers, differences=differences)
