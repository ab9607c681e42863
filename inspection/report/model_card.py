"""The model card: what the model is, on what it was trained, how well it does and where not, in Markdown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspection.lineage_graph import about
from inspection.report.markup import shown
from inspection.report.report_facts import Facts
from inspection.report.sections.head_section import sentence
from inspection.report.sections.metrics_section import least_rows, named, worst_first
from inspection.report.sections.origin_section import command
from inspection.text_output import moment, printable

_WORST = 5


def card(known: Facts) -> str:
    """Writes the card of a run's model, also of one that was never trained: then it says so."""
    run = known.detail.run
    lines = [f"# Model card: {_plain(run.pipeline or run.run_id)}", "", _plain(sentence(known)), ""]
    for title, rows in (
        ("Model", list(_model(known))),
        ("Data", list(_data(known))),
        ("Metrics", list(_metrics(known))),
        ("Limits", list(_limits(known))),
        ("Provenance", list(_provenance(known))),
    ):
        if rows:
            lines += [f"## {title}", "", *rows, ""]
    return "\n".join(lines)


def _model(known: Facts) -> Iterator[str]:
    label, network = known.config.get("label"), known.config.get("network")
    if isinstance(label, Mapping):
        yield f"- Task: {_plain(label.get('task'))}; label: {_plain(label.get('column'))}"
    if isinstance(network, Mapping):
        size = known.network.get("parameters")
        yield f"- Network: {_plain(network.get('name'))}" + (f", {size:,} parameters" if isinstance(size, int) else "")
    if known.history:
        best = known.outcome.get("best")
        epoch = f"; epoch {best['epoch']} was kept" if isinstance(best, Mapping) and best.get("epoch") else ""
        yield f"- Trained for {len(known.history)} epochs{epoch}"
    if known.judged is not None:
        word = {True: "blessed", False: "not blessed", None: "not judged"}[known.judged.blessed]
        yield f"- Verdict: {word}. {_plain(known.judged.reason)}"
        for place in known.judged.pushed:
            yield f"- Pushed to: {_plain(place)}"


def _data(known: Facts) -> Iterator[str]:
    if known.run.get("data"):
        yield f"- Source: {_plain(known.run['data'])}"
    for split in known.statistics:
        yield f"- {_plain(split.split)}: {split.rows:,} rows, {len(split.columns)} columns"
    if known.statistics:
        found = [f"{each.severity} {each.column}: {each.description}" for each in known.anomalies]
        yield f"- Anomalies: {_plain('; '.join(found)) if found else 'none'}"
    ignored = (known.config.get("features") or {}).get("ignored") if known.config else None
    if ignored:
        yield f"- Columns that were left out: {_plain(', '.join(map(str, ignored)))}"


def _metrics(known: Facts) -> Iterator[str]:
    if known.evaluation is None:
        return
    overall, *slices = known.evaluation.cells
    rows = [
        [name, value, _ends(overall.intervals.get(name), value), (overall.baseline or {}).get(name)]
        for name, value in overall.metrics.items()
    ]
    count = f"{overall.count:,.0f} rows" if overall.count is not None else "all rows"
    yield from _table([f"{known.evaluation.split or 'evaluated'}, {count}", "model", "95 % interval", "baseline"], rows)
    metric = next(iter(overall.metrics), None)
    least = least_rows(known.verdict)
    judged = worst_first(slices, metric, least) if metric else []
    judged = [cell for cell in judged if cell.count is None or cell.count >= least]
    if metric and judged:
        yield ""
        told = [
            [named(cell), cell.count, cell.metrics[metric], _ends(cell.intervals.get(metric), cell.metrics[metric])]
            for cell in judged[:_WORST]
        ]
        yield from _table(
            [f"worst slices{f', of {least} rows or more' if least else ''}", "rows", metric, "95 % interval"], told
        )


def _limits(known: Facts) -> Iterator[str]:
    for rule in known.judged.rules if known.judged else ():
        if not rule.ok:
            yield f"- Fails: {_plain(rule.text)}"
    for each in known.verdict.get("slices_left_out", []):
        yield f"- {each['rows_left']:,} rows are in no measured slice by {_plain(' x '.join(each['slicing']))}"
    for note in known.outcome.get("notes", []):
        yield f"- Training: {_plain(note)}"
    for each in known.gates:
        if each.get("text"):
            yield f"- Gate {_plain(each.get('gate'))}: {_plain(each['text'])}"


def _provenance(known: Facts) -> Iterator[str]:
    run = known.detail.run
    yield f"- Run: {_plain(run.run_id)}, {_plain(moment(run.started))}"
    if known.run.get("seed") is not None:
        yield f"- Seed: {known.run['seed']}"
    versions = known.run.get("versions")
    if isinstance(versions, Mapping):
        yield "- Versions: " + ", ".join(f"{_plain(name)} {_plain(version)}" for name, version in versions.items())
    if told := command(known):
        yield f"- Command: `{printable(told).replace('`', chr(39))}`"
    if known.lineage is not None:
        for row in known.lineage.artifacts.values():
            yield f"- {_plain(row.type)} {row.id}: {_plain(about(row) or row.uri)}"


def _table(header: Sequence[object], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    for line in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(_plain(cell) for cell in line) + " |"


def _ends(ends: Any, value: float | None) -> str | None:
    return f"{shown(ends[0])} to {shown(ends[1])}" if ends else None if value is None else "unknown"


def _plain(value: object) -> str:
    """Writes a value that stays what it is in Markdown, where also HTML would be read."""
    text = printable(shown(value))
    if text == "---":
        return text
    return re.sub(r"([\\`*_\[\]<>|#&~])", r"\\\1", text)
