"""Model card in Markdown: model, training data, metrics, limits and provenance."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspection.lineage_graph import about
from inspection.read.run_origin import file_line, revision_line
from inspection.report.markup import shown
from inspection.report.report_facts import Facts
from inspection.report.request_section import requests
from inspection.report.sections.head_section import sentence
from inspection.report.sections.metrics_section import slice_name, worst_first
from inspection.report.sections.origin_section import command
from inspection.text_output import moment, printable

_WORST_SLICES = 5
_FILES = 20
"""Files of the data that the card lists."""
COVERAGE = "coverage"
"""Metric of a model with intervals, which the card shows of each slice."""


def card(facts: Facts) -> str:
    """Return the model card of a run, also of a run without a trained model."""
    run = facts.detail.run
    lines = [f"# Model card: {_escaped(run.pipeline or run.run_id)}", "", _escaped(sentence(facts)), ""]
    for title, rows in (
        ("Model", list(_model(facts))),
        ("Data", list(_data(facts))),
        ("Metrics", list(_metrics(facts))),
        ("Limits", list(_limits(facts))),
        ("Requests", list(requests(facts.requests))),
        ("Provenance", list(_provenance(facts))),
    ):
        if rows:
            lines += [f"## {title}", "", *rows, ""]
    return "\n".join(lines)


def _model(facts: Facts) -> Iterator[str]:
    label, network = facts.run.config.get("label"), facts.run.config.get("network")
    if isinstance(label, Mapping):
        yield f"- Task: {_escaped(label.get('task'))}; label: {_escaped(label.get('column'))}"
    if isinstance(network, Mapping):
        size = facts.network.get("parameters")
        yield f"- Network: {_escaped(network.get('name'))}" + (
            f", {size:,} parameters" if isinstance(size, int) else ""
        )
    if facts.history:
        best = facts.outcome.get("best")
        epoch = f"; best epoch: {best['epoch']}" if isinstance(best, Mapping) and best.get("epoch") else ""
        yield f"- Trained for {len(facts.history)} epochs{epoch}"
    if facts.judged is not None:
        verdict = {True: "blessed", False: "not blessed", None: "not evaluated"}[facts.judged.blessed]
        yield f"- Verdict: {verdict}. {_escaped(facts.judged.reason)}"
        if facts.run.outcome.too_good:
            yield f"- Check: {_escaped(facts.run.outcome.too_good)}"
        for folder in facts.judged.pushed:
            yield f"- Pushed to: {_escaped(folder)}"


def _data(facts: Facts) -> Iterator[str]:
    if facts.run.data:
        yield f"- Source: {_escaped(facts.run.data)}"
    for file in facts.run.files[:_FILES]:
        yield f"- File: {_escaped(file_line(file))}"
    if len(facts.run.files) > _FILES:
        yield f"- and {len(facts.run.files) - _FILES} more files, which run.json lists"
    for split in facts.statistics:
        yield f"- {_escaped(split.split)}: {split.rows:,} rows, {len(split.columns)} columns"
    if facts.statistics:
        anomalies = [f"{anomaly.severity} {anomaly.column}: {anomaly.description}" for anomaly in facts.anomalies]
        yield f"- Anomalies: {_escaped('; '.join(anomalies)) if anomalies else 'none'}"
    ignored = (facts.run.config.get("features") or {}).get("ignored")
    if ignored:
        yield f"- Ignored columns: {_escaped(', '.join(map(str, ignored)))}"


def _metrics(facts: Facts) -> Iterator[str]:
    if facts.evaluation is None:
        return
    overall, *slices = facts.evaluation.cells
    rows = [
        [
            name,
            value,
            _interval(overall.intervals.get(name), value),
            (overall.baseline or {}).get(name),
            *(metrics.get(name) for metrics in overall.plain.values()),
        ]
        for name, value in overall.metrics.items()
    ]
    count = f"{overall.count:,.0f} rows" if overall.count is not None else "all rows"
    plain = [name.replace("_", " ") for name in overall.plain]
    head = f"{facts.evaluation.split or 'evaluated'}, {count}"
    yield from _table([head, "model", "95 % interval", "baseline", *plain], rows)
    if facts.evaluation.plain_notes:
        yield ""
        yield from (f"- Plain models: {_escaped(note)}" for note in facts.evaluation.plain_notes)
    metric = next(iter(overall.metrics), None)
    min_rows = facts.evaluation.min_slice_rows
    measured = worst_first(slices, metric, min_rows) if metric else []
    measured = [cell for cell in measured if cell.count is None or cell.count >= min_rows]
    if metric and measured:
        yield ""
        covered = [COVERAGE] if COVERAGE in overall.metrics else []
        table_rows = [
            [
                *(slice_name(cell), cell.count, cell.metrics[metric]),
                _interval(cell.intervals.get(metric), cell.metrics[metric]),
                *(cell.metrics.get(name) for name in covered),
            ]
            for cell in measured[:_WORST_SLICES]
        ]
        head = f"worst slices{f', of {min_rows} rows or more' if min_rows else ''}"
        yield from _table([head, "rows", metric, "95 % interval", *covered], table_rows)


def _limits(facts: Facts) -> Iterator[str]:
    for rule in facts.judged.rules if facts.judged else ():
        if not rule.ok:
            yield f"- Fails: {_escaped(rule.text)}"
    for cut in facts.evaluation.unmeasured if facts.evaluation else ():
        yield f"- {cut.rows_left:,} rows are in no evaluated slice by {_escaped(' x '.join(cut.slicing))}"
    for note in facts.outcome.get("notes", []):
        yield f"- Training: {_escaped(note)}"
    for finding in facts.gates:
        yield f"- Gate {_escaped(finding.gate)}: {_escaped(finding.text)}"


def _provenance(facts: Facts) -> Iterator[str]:
    run = facts.detail.run
    yield f"- Run: {_escaped(run.run_id)}, {_escaped(moment(run.started))}"
    if facts.run.seed is not None:
        yield f"- Seed: {facts.run.seed}"
    for key, value in facts.run.tuned.items():
        yield f"- From the tuner: {_escaped(key)} = {_escaped(value)}"
    for revision in facts.run.git:
        yield f"- Code: {_escaped(revision_line(revision))}"
    versions = facts.run.versions
    if versions:
        yield "- Versions: " + ", ".join(f"{_escaped(name)} {_escaped(version)}" for name, version in versions.items())
    if command_line := command(facts):
        yield f"- Command: `{printable(command_line).replace('`', chr(39))}`"
    if facts.lineage is not None:
        for row in facts.lineage.artifacts.values():
            yield f"- {_escaped(row.type)} {row.id}: {_escaped(about(row) or row.uri)}"


def _table(header: Sequence[object], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    for line in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(_escaped(cell) for cell in line) + " |"


def _interval(ends: Any, value: float | None) -> str | None:
    return f"{shown(ends[0])} to {shown(ends[1])}" if ends else None if value is None else "unknown"


def _escaped(value: object) -> str:
    """Format a value as text in which Markdown and HTML are escaped."""
    text = printable(shown(value))
    if text == "---":
        return text
    return re.sub(r"([\\`*_\[\]<>|#&~])", r"\\\1", text)
