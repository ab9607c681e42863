"""Data: distributions of columns in train, eval and earlier data; nulls, drift, anomalies, gates."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspection.read.column_statistics import Column, Split, distance
from inspection.read.recorded_findings import RowLocation
from inspection.report import svg
from inspection.report.markup import Html, figure, joined, share, table, tag
from inspection.report.report_facts import Facts

TOP = 8
"""Number of most frequent values in a chart."""
CROWDED = 0.95
"""Share of the values in one bucket of equal width above which outliers hide the distribution."""


def section(facts: Facts, *, drawn: int = 40) -> Html | None:
    """Return tables and charts of the data.

    Args:
      facts: Facts of the run.
      drawn: Number of columns with a chart, those with the largest drift; all are in the table.
    """
    if not facts.statistics and not facts.anomalies and not facts.gates and not facts.omissions:
        return None
    series = _series(facts)
    parts: list[Html | None] = [_rows(facts), _omissions(facts), _anomalies(facts), _gates(facts)]
    if series:
        names, columns = _names(series), [{column.name: column for column in split.columns} for _, split in series]
        drift = {name: _drift(name, [label for label, _ in series], columns) for name in names}
        parts.append(_columns(names, series, columns, drift))
        flagged = {anomaly.column for anomaly in facts.anomalies}
        order = sorted(names, key=lambda name: (name not in flagged, -max([*drift[name].values(), 0.0])))[:drawn]
        charts = [_chart(name, series, columns, drift[name]) for name in names if name in set(order)]
        parts.append(tag("div", *charts, class_="charts"))
        if len(names) > drawn:
            parts.append(tag("p", f"Charts show the {drawn} of {len(names)} columns with the largest drift."))
    return joined(parts)


def _series(facts: Facts) -> list[tuple[str, Split]]:
    """Return train (or the only split), eval, and train of earlier data."""
    splits = {split.split: split for split in facts.statistics}
    main_split = "train" if "train" in splits else next(iter(splits), None)
    if main_split is None:
        return []
    series = [(main_split, splits[main_split])] + [("eval", splits["eval"])] * (
        "eval" in splits and main_split != "eval"
    )
    earlier_splits = {split.split: split for split in facts.before}
    return [*series, *([("earlier data", earlier_splits[main_split])] if main_split in earlier_splits else [])]


def _names(series: Sequence[tuple[str, Split]]) -> list[str]:
    return list(dict.fromkeys(column.name for _, split in series for column in split.columns))


def _rows(facts: Facts) -> Html | None:
    if not facts.statistics:
        return None
    earlier_rows = {split.split: split.rows for split in facts.before}
    header = ["split", "rows", *(["rows of earlier data"] if earlier_rows else [])]
    rows = [
        [split.split, split.rows, *([earlier_rows.get(split.split)] if earlier_rows else [])]
        for split in facts.statistics
    ]
    note = f"Earlier data: run {facts.before_run}." if earlier_rows else None
    return joined([table(header, rows, caption="Rows by split"), tag("p", note) if note else None])


def _omissions(facts: Facts) -> Html | None:
    """Return the parts of the data that were skipped, dropped or changed."""
    if not facts.omissions:
        return None
    rows = []
    for omission in facts.omissions:
        names = omission.get("names")
        printable_names = [
            str(name).encode("utf-8", "backslashreplace").decode() for name in names or () if name is not None
        ]
        kind, count = str(omission.get("kind")), omission.get("count")
        more = ", ..." if isinstance(count, int) and 0 < len(printable_names) < count else ""
        rows.append([omission.get("action"), count, kind, omission.get("reason"), ", ".join(printable_names) + more])
    header = ["action", "count", "kind", "reason", "names"]
    return table(header, rows, caption="Skipped, dropped, cut, converted or not used")


def _drift(name: str, labels: Sequence[str], columns: Sequence[Mapping[str, Column]]) -> dict[str, float]:
    """Return the distance of each further series of a column from its first one, 0 to 1."""
    if name not in columns[0]:
        return {}
    distances = {
        label: distance(columns[0][name], other_columns[name])
        for label, other_columns in zip(labels[1:], columns[1:], strict=True)
        if name in other_columns
    }
    return {label: value for label, value in distances.items() if value is not None}


def _null_share(column: Column | None) -> float | None:
    return None if column is None else column.nulls / ((column.nulls + column.count) or 1)


def _typical(column: Column | None) -> str | float | None:
    """Return the mean, or the most frequent value."""
    if column is None:
        return None
    return column.mean if column.mean is not None else column.top[0][0] if column.top else None


def _columns(
    names: Sequence[str],
    series: Sequence[tuple[str, Split]],
    columns: Sequence[Mapping[str, Column]],
    drift: Mapping[str, Mapping[str, float]],
) -> Html:
    labels = [label for label, _ in series]
    header = ["column", "type", *(f"nulls, {label}" for label in labels), "unique values", "min", "max"]
    header += [f"mean or most frequent, {label}" for label in labels]
    header += [f"distance, {labels[0]} to {label}" for label in labels[1:]]
    rows = []
    for name in names:
        by_series = [series_columns.get(name) for series_columns in columns]
        example = next(column for column in by_series if column is not None)
        cells: list[Any] = [name, example.type, *(share(_null_share(column)) for column in by_series)]
        cells += [example.unique, example.min, example.max, *map(_typical, by_series)]
        rows.append([*cells, *(drift[name].get(label) for label in labels[1:])])
    caption = "Columns; the distance is the largest difference of (cumulative) shares, 0 to 1"
    return table(header, rows, caption=caption)


def _chart(
    name: str, series: Sequence[tuple[str, Split]], columns: Sequence[Mapping[str, Column]], drift: Mapping[str, float]
) -> Html:
    by_label = [
        (label, series_columns[name])
        for (label, _), series_columns in zip(series, columns, strict=True)
        if name in series_columns
    ]
    drift_text = "; ".join(f"{label}: distance {distance_:.3f}" for label, distance_ in drift.items())
    caption = joined([tag("b", name), f" - {drift_text}" if drift_text else None])
    numbers = [(label, column.buckets) for label, column in by_label if column.buckets]
    if (
        numbers
        and (largest := _largest_share(by_label[0][1])) > CROWDED
        and all(column.quantiles for _, column in by_label)
    ):
        note = f" - without the outer tenths, as one bucket of equal width contains {share(largest)} of the values"
        by_quantiles = [(label, column.quantiles) for label, column in by_label]
        data = table(
            ["data", "from", "to", "values"],
            [[label, *bucket] for label, parts in by_quantiles for bucket in parts],
            caption=name,
        )
        inner = [(label, parts[1:-1] or parts) for label, parts in by_quantiles]
        return figure(svg.histograms(inner, label=f"Distribution of {name}"), joined([caption, note]), data)
    if numbers:
        rows = [
            [label, low, high, count, share(count / (sum(bucket for _, _, bucket in buckets) or 1))]
            for label, buckets in numbers
            for low, high, count in buckets
        ]
        data = table(["data", "from", "to", "values", "share"], rows, caption=name)
        return figure(svg.histograms(numbers, label=f"Distribution of {name}"), caption, data)
    values = list(dict.fromkeys(value for _, column in by_label for value, _ in column.top[:TOP]))[:TOP]
    if not values:
        return tag("figure", tag("p", "no statistics of the values of this column"), tag("figcaption", caption))
    shares = [(value, [column.shares.get(value, 0.0) for _, column in by_label]) for value in values]
    labels = [label for label, _ in by_label]
    data = table(["value", *labels], [[value, *map(share, bucket)] for value, bucket in shares], caption=name)
    return figure(svg.bars(shares, labels, label=f"Most frequent values of {name}", format_value=share), caption, data)


def _largest_share(column: Column) -> float:
    """Return the largest share of values in a bucket of equal width."""
    counts = [count for _, _, count in column.buckets]
    return max(counts, default=0.0) / (sum(counts) or 1)


def _anomalies(facts: Facts) -> Html | None:
    if not facts.anomalies:
        splits = ", ".join(facts.splits)
        return tag("p", f"No anomalies against the schema in {splits}.") if splits else None
    rows = [
        [anomaly.severity, anomaly.split, anomaly.column or "(all)", anomaly.what, anomaly.description]
        for anomaly in facts.anomalies
    ]
    return table(["severity", "split", "column", "what", "description"], rows, caption="Anomalies against the schema")


def _gates(facts: Facts) -> Html | None:
    """Return the findings of the gates, with the rows that they name."""
    if not facts.gates:
        return None
    rows = [
        [
            finding.gate,
            finding.column or "(all)",
            _plain(finding.measured),
            _plain(finding.limit),
            finding.action,
            finding.text,
            ", ".join(map(_location, finding.rows)),
            tag("code", finding.edit) if finding.edit else None,
        ]
        for finding in facts.gates
    ]
    header = ["gate", "column", "measured", "limit", "action", "finding", "rows", "change that accepts it"]
    return table(header, rows, caption="Gates")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _location(row: RowLocation) -> str:
    """Return FILE:LINE; an image is CLASS/FILE."""
    if row.line is None:
        return "/".join(row.file.split("/")[-2:])
    return f"{row.file.rpartition('/')[2]}:{row.line}"
