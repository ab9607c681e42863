"""`inspect show MODEL|VERSION|RUN`: inputs, reason of the push, and the nodes of the run."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from inspection import provenance
from inspection.commands.runs_command import took
from inspection.plain_records import ArtifactRow, Node, Run, RunDetail
from inspection.provenance import Before, Metric, Model, Provenance
from inspection.read.run_origin import file_line, revision_line, rows_of
from inspection.run_comparison import Difference
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, duration, in_a_line, moment, number, table

_FILES = 5
"""Files that are listed, newest last; --json has all."""
_DIFFERENCES = 5
"""Differences of each kind that are listed; `inspect compare` has all."""
_DIGESTS = ("content", "sources", "code")
"""Ends of keys whose values are digests."""
_SIDES = {"A from the tuner": "before from the tuner", "B from the tuner": "from the tuner"}
_METRICS = 8
_CHARS = 40


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A run with its nodes, and its provenance."""

    run: Run
    nodes: Sequence[Node]
    provenance: Provenance


def answer(store: Store, args: argparse.Namespace) -> tuple[Shown, Callable[[], str]]:
    """Return the run and its provenance, and a function that formats them."""
    detail, origin, is_model = provenance.read(store, args.name, pipeline=args.pipeline)
    content = Shown(run=detail.run, nodes=detail.nodes, provenance=origin)
    return content, lambda: _text(detail, origin, is_model)


def _text(detail: RunDetail, origin: Provenance, is_model: bool) -> str:
    model = origin.model
    parts = [list(_model(model, origin.before)) if model else [], list(_run(detail.run, model))]
    facts = [*(parts[0] + parts[1] if is_model else parts[1] + parts[0]), *_origin(origin)]
    return drawn(
        table(None, [[name, value] for name, value in facts if value]),
        _metrics(model) if model else None,
        None if is_model else _nodes(detail),
    )


def _run(run: Run, model: Model | None) -> Iterator[tuple[str, Any]]:
    yield "run", run.run_id
    yield "pipeline", run.pipeline
    yield "state", run.state
    # The verdict contains it too.
    yield "reason", None if model is not None and run.reason == model.reason else in_a_line(run.reason)
    yield "started", moment(run.started)
    yield "ended", moment(run.ended)
    yield "took", took(run)
    yield "folder", run.folder


def _model(model: Model, previous: Before | None) -> Iterator[tuple[str, Any]]:
    trained = f", trained by {model.trained_by}" if model.trained_by else ""
    yield "model", f"Model {model.id}{trained}"
    yield "serving", model.status
    yield "verdict", f"{model.verdict}: {in_a_line(model.reason)}" if model.reason else model.verdict
    if previous is None:
        yield "before", model.baseline_note
        return
    numbers = f", version {', '.join(map(str, previous.versions))}" if previous.versions else ""
    yield "before", f"Model {previous.model}{numbers}" + (f", trained by {previous.run}" if previous.run else "")
    for name, differences in previous.differences.items():
        lines = [_difference(difference) for difference in _of_interest(differences)]
        more = len(lines) - _DIFFERENCES
        for line in lines[:_DIFFERENCES]:
            yield f"{name} changed", line
        if more > 0:
            yield f"{name} changed", f"and {more} more: inspect compare {previous.model} {model.id}"


def _of_interest(differences: Sequence[Difference]) -> list[Difference]:
    """Leave out digests of code and data, which say only that something differs."""
    return [entry for entry in differences if entry.subject.rpartition(".")[2] not in _DIGESTS]


def _difference(difference: Difference) -> str:
    name = " ".join(filter(None, (difference.subject, difference.where)))
    note = f" ({_SIDES.get(difference.aspect, difference.aspect)})" if difference.aspect else ""
    return f"{name}: {_value(difference.a)} → {_value(difference.b)}{note}"


def _value(value: Any) -> str:
    text = "none" if value is None else str(number(value)) if isinstance(value, float) else str(value)
    return text if len(text) <= _CHARS else f"{text[: _CHARS - 3]}..."


def _origin(origin: Provenance) -> Iterator[tuple[str, Any]]:
    if origin.query:
        yield "query", in_a_line(origin.query)
    if origin.files:
        total = sum(map(rows_of, origin.files))
        count = len(origin.files)
        yield "data", f"{count} file{'' if count == 1 else 's'}, {total:,} rows"
        for file in origin.files[-_FILES:]:
            yield "file", file_line(file)
        if count > _FILES:
            yield "file", f"and {count - _FILES} before these: --json lists all"
    for revision in origin.code:
        yield "code", revision_line(revision)
    if origin.digests and not origin.code:
        yield "code", "not under git"
    yield (
        "digests",
        ", ".join(
            f"{name} {origin.digests[name]}"
            for name in ("config", "data", "schema", "code")
            if origin.digests.get(name)
        ),
    )
    yield "--set", "; ".join(origin.overrides)
    for key, value in origin.tuned.items():
        config_note = f"; the config has {_value(origin.configured[key])}" if key in origin.configured else ""
        yield "config", f"{key} = {_value(value)} (from the tuner{config_note})"
    yield "libraries", ", ".join(f"{name} {version}" for name, version in origin.libraries.items())
    yield "seed", origin.seed


def _metrics(model: Model) -> Any:
    compared = any(metric.before is not None for metric in model.metrics)
    header = ["METRIC", "MODEL", "95 %", *(["BEFORE", ""] if compared else [])]
    return table(header, [_metric(metric, compared) for metric in model.metrics[:_METRICS]])


def _metric(metric: Metric, compared: bool) -> list[object]:
    interval = " to ".join(str(number(end)) for end in metric.interval or ())
    word = "" if metric.worse is None else "worse" if metric.worse else "better"
    return [metric.name, number(metric.value), interval, *([number(metric.before), word] if compared else [])]


def _nodes(detail: RunDetail) -> Any:
    return table(
        ["NODE", "STATE", "STARTED", "TOOK", "INPUTS", "OUTPUTS"],
        [
            [
                node.node_id,
                node.state,
                moment(node.started),
                duration(node.seconds),
                *map(_keys, (node.inputs, node.outputs)),
            ]
            for node in detail.nodes
        ],
    )


def _keys(artifacts: Sequence[ArtifactRow]) -> str:
    return ", ".join(f"{row.key}:{row.id}" for row in artifacts)
