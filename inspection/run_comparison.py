"""Differences between two runs: config, data, schema, statistics and metrics, largest first."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError
from inspection.plain_records import Run, RunDetail
from inspection.read import column_statistics, schema_facts
from inspection.read.evaluations import Cell, read_evaluation
from inspection.read.metric_direction import change_of, is_worse
from inspection.read.recorded_run import read_run
from inspection.run_configuration import from_tuner, settings_of
from inspection.run_history import show_run
from inspection.store.artifact_lookup import EVALUATION, EXAMPLES, STATISTICS, of_run
from inspection.store.metadata_store import Store, properties

_SCHEMA = "Schema"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference between two runs.

    Attributes:
      subject: Config key, column or metric.
      where: Split or slice; empty for all rows.
      aspect: Property that differs, if it is not the value itself.
      a: Value in the first run; None if absent.
      b: Value in the second run.
      size: Size of the difference: 0 to 1 for statistics, relative to a's value for metrics.
      worse: Whether b is worse than a; None if neither direction is worse.
    """

    subject: str
    where: str = ""
    aspect: str = ""
    a: Any = None
    b: Any = None
    size: float | None = None
    worse: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """The differences of one kind, largest first; `note` says why there are none or they are unknown."""

    name: str
    differences: Sequence[Difference]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs and their differences."""

    a: Run
    b: Run
    sections: Sequence[Section]


def compare(store: Store, run_a: str, run_b: str) -> Comparison:
    """Compare two runs of a store, of the same or of different pipelines, by their ids."""
    details = [show_run(store, run_id) for run_id in (run_a, run_b)]
    artifacts = [_by_type(store, run_id) for run_id in (run_a, run_b)]
    settings_of_runs = [settings_of(detail) for detail in details]
    config_differences = _marked(_values(settings_of_runs[0], settings_of_runs[1]), details)
    return Comparison(
        a=details[0].run,
        b=details[1].run,
        sections=(
            Section(name="config", differences=config_differences),
            _dated(_section("data", EXAMPLES, artifacts, lambda artifact: artifact, _data), details),
            _section("schema", _SCHEMA, artifacts, schema_facts.read_schema, _schemas),
            _section("statistics", STATISTICS, artifacts, column_statistics.read_statistics, _statistics),
            _on_rows(
                _section("metrics", EVALUATION, artifacts, lambda artifact: read_evaluation(artifact).cells, _metrics),
                artifacts,
            ),
        ),
    )


def _marked(differences: Sequence[Difference], details: Sequence[RunDetail]) -> list[Difference]:
    """Mark the values that the tuner chose."""
    tuned = [from_tuner(read_run(detail.run.folder)) for detail in details]
    marked = []
    for difference in differences:
        sides = " and ".join(run for run, keys in zip("AB", tuned, strict=True) if difference.subject in keys)
        marked.append(replace(difference, aspect=f"{sides} from the tuner") if sides else difference)
    return marked


def _by_type(store: Store, run_id: str) -> dict[str, pb.Artifact]:
    """Return the first output of each type of a run: of Examples those of the ingestion, not the transformed ones."""
    outputs: dict[str, pb.Artifact] = {}
    for artifact, is_output in of_run(store, run_id):
        if is_output:
            outputs.setdefault(artifact.type, artifact)
    return outputs


def _section(
    name: str,
    kind: str,
    by_type: Sequence[Mapping[str, pb.Artifact]],
    read: Callable[[pb.Artifact], Any],
    differ: Callable[[Any, Any], list[Difference]],
) -> Section:
    """Compare an artifact of each run; a missing file becomes a note."""
    artifacts = [run_artifacts.get(kind) for run_artifacts in by_type]
    if artifacts[0] is None or artifacts[1] is None:
        runs_without = " and ".join(run for run, artifact in zip("AB", artifacts, strict=True) if artifact is None)
        return Section(name=name, differences=(), note=f"unknown: {runs_without} has no {kind}")
    if artifacts[0].id == artifacts[1].id:
        return Section(name=name, differences=(), note=f"equal: both have {kind} {artifacts[0].id}")
    try:
        return Section(name=name, differences=differ(*map(read, artifacts)))
    except PipelineError as error:
        return Section(name=name, differences=(), note=f"unknown: {error}")


def _on_rows(metrics: Section, by_type: Sequence[Mapping[str, pb.Artifact]]) -> Section:
    """Add a note if the metrics were measured on different rows, which may explain differences."""
    rows = [run_artifacts.get(EXAMPLES) for run_artifacts in by_type]
    if not metrics.differences or rows[0] is None or rows[1] is None or rows[0].id == rows[1].id:
        return metrics
    digests = [properties(artifact).get("content_digest") for artifact in rows if artifact is not None]
    if digests[0] and digests[0] == digests[1]:
        return metrics
    return replace(metrics, note=f"measured on different rows (Examples {rows[0].id} and {rows[1].id})")


def _values(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    keys = dict.fromkeys([*a, *b])
    return [Difference(subject=key, a=a.get(key), b=b.get(key)) for key in keys if a.get(key) != b.get(key)]


def _data(a: pb.Artifact, b: pb.Artifact) -> list[Difference]:
    return _values(_counts(properties(a)), _counts(properties(b)))


def _dated(data: Section, details: Sequence[RunDetail]) -> Section:
    """Replace the numbers of dated spans by the dates of the newest files."""
    runs = (read_run(detail.run.folder) for detail in details)
    files_of_runs = (run.files if run is not None else () for run in runs)
    spans_of_runs = ([str(file.get("span")) for file in files if file.get("rows")] for files in files_of_runs)
    newest = [max((span for span in spans if "-" in span), default=None) for spans in spans_of_runs]
    differences = [
        replace(difference, a=newest[0] or difference.a, b=newest[1] or difference.b)
        if difference.subject == "span"
        else difference
        for difference in data.differences
    ]
    return replace(data, differences=differences)


def _counts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the number of rows by split, if the ingestion recorded it, and TFX's properties of a span."""
    counts = {key: facts[key] for key in ("span", "version", "input_fingerprint", "split_names") if facts.get(key)}
    try:
        rows = json.loads(facts.get("rows", "{}"))
    except (ValueError, TypeError):
        rows = {}
    return {**counts, **({f"rows.{split}": count for split, count in rows.items()} if isinstance(rows, dict) else {})}


def _schemas(a: Sequence[schema_facts.SchemaColumn], b: Sequence[schema_facts.SchemaColumn]) -> list[Difference]:
    columns_a, columns_b = ({column.name: column for column in columns} for columns in (a, b))
    differences = []
    for name in dict.fromkeys([*columns_a, *columns_b]):
        if name not in columns_a or name not in columns_b:
            types = [columns[name].type if name in columns else None for columns in (columns_a, columns_b)]
            differences.append(Difference(subject=name, aspect="column", a=types[0], b=types[1], size=2.0))
            continue
        rules, other_rules = columns_a[name].rules, columns_b[name].rules
        for rule in dict.fromkeys([*rules, *other_rules]):
            if rules.get(rule) != other_rules.get(rule):
                size = 1.0 if rule == "type" else 0.0
                values = [rules.get(rule), other_rules.get(rule)]
                differences.append(Difference(subject=name, aspect=rule, a=values[0], b=values[1], size=size))
    return sorted(differences, key=lambda difference: -(difference.size or 0.0))


def _statistics(a: Sequence[column_statistics.Split], b: Sequence[column_statistics.Split]) -> list[Difference]:
    differences = []
    splits_b = {split.split: split for split in b}
    for split_a in a:
        split_b = splits_b.get(split_a.split)
        if split_b is None:
            differences.append(
                Difference(subject="(split)", where=split_a.split, aspect="rows", a=split_a.rows, size=1.0)
            )
            continue
        columns = {column.name: column for column in split_b.columns}
        for column in split_a.columns:
            if column.name in columns:
                differences += _column(split_a.split, column, columns[column.name])
        for name in {column.name for column in split_a.columns} ^ columns.keys():
            side = "in B" if name in columns else "in A"
            differences.append(Difference(subject=name, where=split_a.split, aspect=f"only {side}", size=1.0))
    for name in splits_b.keys() - {split.split for split in a}:
        rows = splits_b[name].rows
        differences.append(Difference(subject="(split)", where=name, aspect="rows", b=rows, size=1.0))
    return sorted(differences, key=lambda difference: (-(difference.size or 0.0), difference.subject, difference.where))


def _column(split: str, a: column_statistics.Column, b: column_statistics.Column) -> list[Difference]:
    differences = []
    if a.type != b.type:
        differences.append(Difference(subject=a.name, where=split, aspect="type", a=a.type, b=b.type, size=1.0))
    null_shares = [column.nulls / ((column.nulls + column.count) or 1) for column in (a, b)]
    if null_shares[0] != null_shares[1]:
        gap = abs(null_shares[0] - null_shares[1])
        differences.append(
            Difference(subject=a.name, where=split, aspect="nulls", a=null_shares[0], b=null_shares[1], size=gap)
        )
    distance = column_statistics.distance(a, b)
    if distance:
        typical = [_typical(column) for column in (a, b)]
        differences.append(
            Difference(
                subject=a.name, where=split, aspect=typical[0][0], a=typical[0][1], b=typical[1][1], size=distance
            )
        )
    return differences


def _typical(column: column_statistics.Column) -> tuple[str, Any]:
    """Return the mean, or the most frequent value with its share."""
    if column.mean is not None:
        return "mean", column.mean
    top = max(column.shares.items(), key=lambda item: item[1], default=None)
    return "most frequent", f"{top[0]} ({top[1]:.1%})" if top else None


def _metrics(a: Sequence[Cell], b: Sequence[Cell]) -> list[Difference]:
    cells_b = {_key(cell): cell for cell in b}
    cells_a = {_key(cell): cell for cell in a}
    differences = []
    for key in dict.fromkeys([*cells_a, *cells_b]):
        cell_a, cell_b = cells_a.get(key), cells_b.get(key)
        if cell_a is None or cell_b is None:
            counts = [cell.count if cell else None for cell in (cell_a, cell_b)]
            differences.append(Difference(subject="(rows)", where=key, a=counts[0], b=counts[1]))
            continue
        for metric in dict.fromkeys([*cell_a.metrics, *cell_b.metrics]):
            value_a, value_b = cell_a.metrics.get(metric), cell_b.metrics.get(metric)
            if value_a == value_b:
                continue
            interval = cell_a.intervals.get(metric)
            inside = interval is not None and value_b is not None and interval[0] <= value_b <= interval[1]
            differences.append(
                Difference(
                    subject=metric,
                    where=key,
                    aspect="inside A's 95 %" if inside else "",
                    a=value_a,
                    b=value_b,
                    size=change_of(value_a, value_b),
                    worse=is_worse(metric, value_a, value_b)
                    if metric in cell_a.metrics and metric in cell_b.metrics
                    else None,
                )
            )
    return sorted(differences, key=_sort_key)


def _sort_key(difference: Difference) -> tuple[int, float]:
    """Return the sort key of a metric: worse ones by size, then better ones from small to large, then the rest."""
    size = difference.size if difference.size is not None else float("inf")
    return (0, -size) if difference.worse else (1, size) if difference.worse is False else (2, 0.0)


def _key(cell: Cell) -> str:
    return ", ".join(f"{column} = {value}" for column, value in cell.slice.items())
