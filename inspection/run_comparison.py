"""What differs between two runs: config, data, schema, statistics and metrics, the worst first."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError
from inspection.plain_records import Run
from inspection.read import column_statistics, schema_facts
from inspection.read.evaluations import Cell, read_evaluation
from inspection.read.metric_direction import change_of, is_worse
from inspection.run_configuration import settings_of
from inspection.run_history import show_run
from inspection.store.artifact_lookup import EVALUATION, of_run
from inspection.store.metadata_store import Store, properties

_STATISTICS, _SCHEMA, _EXAMPLES = "ExampleStatistics", "Schema", "Examples"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that differs.

    Attributes:
      subject: A config key, column or metric.
      where: Split or slice; empty for the whole.
      aspect: What of it differs, where that is not the value itself.
      a: In the first run; None where it is absent.
      b: In the second run.
      size: How much, in the section's own measure: of statistics from 0 to 1, of metrics the share of a's value.
      worse: Whether b is worse than a; None where neither way is.
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
    """The differences of one kind, the worst first; a note where they cannot be told, or why there are none."""

    name: str
    differences: Sequence[Difference]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs and what differs between them."""

    a: Run
    b: Run
    sections: Sequence[Section]


def compare(store: Store, first: str, second: str) -> Comparison:
    """Compares two runs of one store by their ids; of the same or of different pipelines."""
    details = [show_run(store, run_id) for run_id in (first, second)]
    found = [_by_type(store, run_id) for run_id in (first, second)]
    known = [settings_of(detail) for detail in details]
    settings = _values(known[0], known[1])
    return Comparison(
        a=details[0].run,
        b=details[1].run,
        sections=(
            Section(name="config", differences=settings),
            _section("data", _EXAMPLES, found, lambda artifact: artifact, _data),
            _section("schema", _SCHEMA, found, schema_facts.read_schema, _schemas),
            _section("statistics", _STATISTICS, found, column_statistics.read_statistics, _statistics),
            _on_rows(
                _section("metrics", EVALUATION, found, lambda artifact: read_evaluation(artifact).cells, _metrics),
                found,
            ),
        ),
    )


def _by_type(store: Store, run_id: str) -> dict[str, pb.Artifact]:
    """Returns a run's first output of each type: of Examples those of the ingestion, not the transformed ones."""
    outputs: dict[str, pb.Artifact] = {}
    for artifact, made in of_run(store, run_id):
        if made:
            outputs.setdefault(artifact.type, artifact)
    return outputs


def _section(
    name: str,
    kind: str,
    found: Sequence[Mapping[str, pb.Artifact]],
    read: Callable[[pb.Artifact], Any],
    differ: Callable[[Any, Any], list[Difference]],
) -> Section:
    """Compares one artifact of each run; a file that is gone is told and stops nothing."""
    artifacts = [each.get(kind) for each in found]
    if artifacts[0] is None or artifacts[1] is None:
        lacking = " and ".join(run for run, artifact in zip("AB", artifacts, strict=True) if artifact is None)
        return Section(name=name, differences=(), note=f"not known: {lacking} made no {kind}")
    if artifacts[0].id == artifacts[1].id:
        return Section(name=name, differences=(), note=f"the same: both have {kind} {artifacts[0].id}")
    try:
        return Section(name=name, differences=differ(*map(read, artifacts)))
    except PipelineError as error:
        return Section(name=name, differences=(), note=f"not known: {error}")


def _on_rows(metrics: Section, found: Sequence[Mapping[str, pb.Artifact]]) -> Section:
    """Says where metrics were measured on different rows, which a difference between them may come from."""
    rows = [each.get(_EXAMPLES) for each in found]
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


def _counts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns rows by split, where the ingestion says them, and what TFX says of a span of data."""
    told = {key: facts[key] for key in ("span", "version", "input_fingerprint", "split_names") if facts.get(key)}
    try:
        rows = json.loads(facts.get("rows", "{}"))
    except (ValueError, TypeError):
        rows = {}
    return {**told, **({f"rows.{split}": count for split, count in rows.items()} if isinstance(rows, dict) else {})}


def _schemas(a: Sequence[schema_facts.SchemaColumn], b: Sequence[schema_facts.SchemaColumn]) -> list[Difference]:
    one, other = ({column.name: column for column in each} for each in (a, b))
    differences = []
    for name in dict.fromkeys([*one, *other]):
        if name not in one or name not in other:
            kinds = [each[name].type if name in each else None for each in (one, other)]
            differences.append(Difference(subject=name, aspect="column", a=kinds[0], b=kinds[1], size=2.0))
            continue
        rules, others = one[name].rules, other[name].rules
        for rule in dict.fromkeys([*rules, *others]):
            if rules.get(rule) != others.get(rule):
                size = 1.0 if rule == "type" else 0.0
                told = [rules.get(rule), others.get(rule)]
                differences.append(Difference(subject=name, aspect=rule, a=told[0], b=told[1], size=size))
    return sorted(differences, key=lambda each: -(each.size or 0.0))


def _statistics(a: Sequence[column_statistics.Split], b: Sequence[column_statistics.Split]) -> list[Difference]:
    differences = []
    others = {split.split: split for split in b}
    for one in a:
        other = others.get(one.split)
        if other is None:
            differences.append(Difference(subject="(split)", where=one.split, aspect="rows", a=one.rows, size=1.0))
            continue
        columns = {column.name: column for column in other.columns}
        for column in one.columns:
            if column.name in columns:
                differences += _column(one.split, column, columns[column.name])
        for name in {column.name for column in one.columns} ^ columns.keys():
            there = "in B" if name in columns else "in A"
            differences.append(Difference(subject=name, where=one.split, aspect=f"only {there}", size=1.0))
    for name in others.keys() - {split.split for split in a}:
        rows = others[name].rows
        differences.append(Difference(subject="(split)", where=name, aspect="rows", b=rows, size=1.0))
    return sorted(differences, key=lambda each: (-(each.size or 0.0), each.subject, each.where))


def _column(split: str, a: column_statistics.Column, b: column_statistics.Column) -> list[Difference]:
    found = []
    if a.type != b.type:
        found.append(Difference(subject=a.name, where=split, aspect="type", a=a.type, b=b.type, size=1.0))
    missing = [each.missing / ((each.missing + each.count) or 1) for each in (a, b)]
    if missing[0] != missing[1]:
        gap = abs(missing[0] - missing[1])
        found.append(Difference(subject=a.name, where=split, aspect="missing", a=missing[0], b=missing[1], size=gap))
    apart = column_statistics.distance(a, b)
    if apart:
        told = [_told(each) for each in (a, b)]
        found.append(Difference(subject=a.name, where=split, aspect=told[0][0], a=told[0][1], b=told[1][1], size=apart))
    return found


def _told(column: column_statistics.Column) -> tuple[str, Any]:
    """Returns what a person would look at first: the mean, or the most frequent value with its share."""
    if column.mean is not None:
        return "mean", column.mean
    top = max(column.shares.items(), key=lambda item: item[1], default=None)
    return "most frequent", f"{top[0]} ({top[1]:.1%})" if top else None


def _metrics(a: Sequence[Cell], b: Sequence[Cell]) -> list[Difference]:
    others = {_key(cell): cell for cell in b}
    ours = {_key(cell): cell for cell in a}
    differences = []
    for key in dict.fromkeys([*ours, *others]):
        one, other = ours.get(key), others.get(key)
        if one is None or other is None:
            counts = [cell.count if cell else None for cell in (one, other)]
            differences.append(Difference(subject="(rows)", where=key, a=counts[0], b=counts[1]))
            continue
        for metric in dict.fromkeys([*one.metrics, *other.metrics]):
            before, after = one.metrics.get(metric), other.metrics.get(metric)
            if before == after:
                continue
            ends = one.intervals.get(metric)
            inside = ends is not None and after is not None and ends[0] <= after <= ends[1]
            differences.append(
                Difference(
                    subject=metric,
                    where=key,
                    aspect="inside A's 95 %" if inside else "",
                    a=before,
                    b=after,
                    size=change_of(before, after),
                    worse=is_worse(metric, before, after)
                    if metric in one.metrics and metric in other.metrics
                    else None,
                )
            )
    return sorted(differences, key=_badness)


def _badness(each: Difference) -> tuple[int, float]:
    """Orders metrics: what got worse, by how much; then what got better, the least first; then the rest."""
    size = each.size if each.size is not None else float("inf")
    return (0, -size) if each.worse else (1, size) if each.worse is False else (2, 0.0)


def _key(cell: Cell) -> str:
    return ", ".join(f"{column} = {value}" for column, value in cell.slice.items())
