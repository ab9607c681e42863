"""The data: each column's distribution in train against eval and against earlier data, gaps, drift, anomalies."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspection.read.column_statistics import Column, Split, distance
from inspection.report import svg
from inspection.report.markup import Html, figure, joined, share, table, tag
from inspection.report.report_facts import Facts

TOP = 8
"""Most frequent values that are drawn."""
CROWDED = 0.95
"""Share of the values in one bar of equal width from which on a few far values hide all others."""


def section(known: Facts, *, drawn: int = 40) -> Html | None:
    """Shows the data.

    Args:
      known: The run.
      drawn: So many columns are drawn, those that moved most; all are in the table.
    """
    if not known.statistics and not known.anomalies and not known.gates and not known.omissions:
        return None
    series = _series(known)
    parts: list[Html | None] = [_rows(known), _omissions(known), _anomalies(known), _gates(known)]
    if series:
        names, columns = _names(series), [{column.name: column for column in split.columns} for _, split in series]
        drift = {name: _drift(name, [label for label, _ in series], columns) for name in names}
        parts.append(_columns(names, series, columns, drift))
        flagged = {each.column for each in known.anomalies}
        order = sorted(names, key=lambda name: (name not in flagged, -max([*drift[name].values(), 0.0])))[:drawn]
        pictures = [_picture(name, series, columns, drift[name]) for name in names if name in set(order)]
        parts.append(tag("div", *pictures, class_="pictures"))
        if len(names) > drawn:
            parts.append(tag("p", f"Drawn are the {drawn} of {len(names)} columns that moved most."))
    return joined(parts)


def _series(known: Facts) -> list[tuple[str, Split]]:
    """Returns train (or the only split), eval, and train of earlier data."""
    splits = {split.split: split for split in known.statistics}
    first = "train" if "train" in splits else next(iter(splits), None)
    if first is None:
        return []
    found = [(first, splits[first])] + [("eval", splits["eval"])] * ("eval" in splits and first != "eval")
    before = {split.split: split for split in known.before}
    return [*found, *([("earlier data", before[first])] if first in before else [])]


def _names(series: Sequence[tuple[str, Split]]) -> list[str]:
    return list(dict.fromkeys(column.name for _, split in series for column in split.columns))


def _rows(known: Facts) -> Html | None:
    if not known.statistics:
        return None
    before = {split.split: split.rows for split in known.before}
    header = ["split", "rows", *(["rows of earlier data"] if before else [])]
    rows = [[split.split, split.rows, *([before.get(split.split)] if before else [])] for split in known.statistics]
    told = f"Earlier data is that of run {known.before_run}." if before else None
    return joined([table(header, rows, caption="Rows by split"), tag("p", told) if told else None])


def _omissions(known: Facts) -> Html | None:
    """Shows what of the data was not read as it lay there."""
    if not known.omissions:
        return None
    rows = []
    for each in known.omissions:
        names = each.get("names")
        shown = [str(name).encode("utf-8", "backslashreplace").decode() for name in names or () if name is not None]
        kind, count = str(each.get("kind")), each.get("count")
        more = ", ..." if isinstance(count, int) and 0 < len(shown) < count else ""
        rows.append([each.get("action"), count, kind, each.get("reason"), ", ".join(shown) + more])
    header = ["what was done", "how many", "of what", "why", "names"]
    return table(header, rows, caption="Skipped, left out, cut, converted or not used")


def _drift(name: str, labels: Sequence[str], columns: Sequence[Mapping[str, Column]]) -> dict[str, float]:
    """Returns how far a column's other series are from its first, from 0 to 1."""
    if name not in columns[0]:
        return {}
    apart = {
        label: distance(columns[0][name], other[name])
        for label, other in zip(labels[1:], columns[1:], strict=True)
        if name in other
    }
    return {label: found for label, found in apart.items() if found is not None}


def _missing(column: Column | None) -> float | None:
    return None if column is None else column.missing / ((column.missing + column.count) or 1)


def _usual(column: Column | None) -> str | float | None:
    """Returns the mean, or the most frequent value."""
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
    header = ["column", "type", *(f"missing, {label}" for label in labels), "different values", "least", "largest"]
    header += [f"mean or most frequent, {label}" for label in labels]
    header += [f"{labels[0]} to {label}: distance" for label in labels[1:]]
    rows = []
    for name in names:
        each = [other.get(name) for other in columns]
        first = next(column for column in each if column is not None)
        cells: list[Any] = [name, first.type, *(share(_missing(column)) for column in each)]
        cells += [first.unique, first.min, first.max, *map(_usual, each)]
        rows.append([*cells, *(drift[name].get(label) for label in labels[1:])])
    told = "Columns; a distance is the largest difference of (cumulative) shares, from 0 to 1"
    return table(header, rows, caption=told)


def _picture(
    name: str, series: Sequence[tuple[str, Split]], columns: Sequence[Mapping[str, Column]], drift: Mapping[str, float]
) -> Html:
    known = [(label, other[name]) for (label, _), other in zip(series, columns, strict=True) if name in other]
    moved = "; ".join(f"{label}: distance {apart:.3f}" for label, apart in drift.items())
    caption = joined([tag("b", name), f" - {moved}" if moved else None])
    numbers = [(label, column.buckets) for label, column in known if column.buckets]
    if numbers and (fullest := _fullest(known[0][1])) > CROWDED and all(column.quantiles for _, column in known):
        told = f" - drawn between the outer tenths: one of the bars of equal width holds {share(fullest)} of the values"
        tenths = [(label, column.quantiles) for label, column in known]
        below = table(
            ["data", "from", "to", "values"],
            [[label, *each] for label, parts in tenths for each in parts],
            caption=name,
        )
        inner = [(label, parts[1:-1] or parts) for label, parts in tenths]
        return figure(svg.steps(inner, label=f"Distribution of {name}"), joined([caption, told]), below)
    if numbers:
        rows = [
            [label, low, high, count, share(count / (sum(each for _, _, each in buckets) or 1))]
            for label, buckets in numbers
            for low, high, count in buckets
        ]
        below = table(["data", "from", "to", "values", "share"], rows, caption=name)
        return figure(svg.steps(numbers, label=f"Distribution of {name}"), caption, below)
    values = list(dict.fromkeys(value for _, column in known for value, _ in column.top[:TOP]))[:TOP]
    if not values:
        return tag("figure", tag("p", "no values are kept of this column"), tag("figcaption", caption))
    shares = [(value, [column.shares.get(value, 0.0) for _, column in known]) for value in values]
    labels = [label for label, _ in known]
    below = table(["value", *labels], [[value, *map(share, each)] for value, each in shares], caption=name)
    return figure(svg.bars(shares, labels, label=f"Most frequent values of {name}", told=share), caption, below)


def _fullest(column: Column) -> float:
    """Returns the share of the values in the fullest of the bars of equal width."""
    counts = [count for _, _, count in column.buckets]
    return max(counts, default=0.0) / (sum(counts) or 1)


def _anomalies(known: Facts) -> Html | None:
    if not known.anomalies:
        looked = ", ".join(known.splits)
        return tag("p", f"No anomaly against the schema in {looked}.") if looked else None
    rows = [
        [each.severity, each.split, each.column or "(all)", each.what, each.description] for each in known.anomalies
    ]
    return table(["severity", "split", "column", "what", "description"], rows, caption="Anomalies against the schema")


def _gates(known: Facts) -> Html | None:
    """Shows what gates measured, with the rows of data that they name."""
    if not known.gates:
        return None
    rows = [
        [
            each.get("gate"),
            each.get("column") or "(all)",
            _plain(each.get("measured")),
            _plain(each.get("limit")),
            each.get("action"),
            each.get("text"),
            ", ".join(_places(each.get("rows"))),
            tag("code", each["edit"]) if each.get("edit") else None,
        ]
        for each in known.gates
    ]
    header = ["gate", "column", "measured", "limit", "does", "what", "rows", "edit that accepts it"]
    return table(header, rows, caption="Gates")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _places(rows: Any) -> Iterator[str]:
    """Names rows as file:line."""
    found = [each for each in rows if isinstance(each, Mapping)] if isinstance(rows, list) else []
    for each in found:
        file, line = str(each.get("file", "")), each.get("line")
        # An image is named with its class.
        yield "/".join(file.split("/")[-2:]) if line is None else f"{file.rpartition('/')[2]}:{line}"
