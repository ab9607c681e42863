"""The gates on figures that are at hand: missing cells, odd numbers, rows, the label, categories, duplicates."""

import statistics
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.data_checks import schema_mismatches
from components.validation.anomaly_sentences import domain
from components.validation.gate_context import TRAIN, Today
from components.validation.gate_findings import Finding, Predicate, down, loosened, share, toml_key, up
from components.validation.gates import cell_value_gates, equal_row_gates, label_gate
from components.validation.gates.schema_gate import by_column, unnamed

SMALL = 100
"""Rows below which categories are not compared with those of another run."""


def missing(today: Today) -> Iterator[Finding]:
    """Missing and blank cells."""
    gate, action = today.gate("missing"), today.action("missing")
    before = by_column(today.before[0].train) if today.before else {}
    for split, measured in today.statistics.items():
        figures = by_column(measured)
        for column in today.settings["columns"]["used"]:
            if column not in figures or column == today.settings["label"]["column"]:
                continue
            rate, rows, every = _missing(figures[column])
            # A number that is none counts as missing where a row may lack the column.
            odd = today.facts[split].odd.get(column, []) if split in today.facts and today.optional(column) else []
            rows, rate = rows + sum(odd), rate + (sum(odd) / every if every else 0)
            most = gate["columns"].get(column, gate["max_share"])
            text = f"{rows:,.0f} of {every:,.0f} cells ({share(rows, every)}) are missing or blank"
            if rate > most:
                yield Finding(
                    "missing",
                    column,
                    most,
                    rate,
                    action,
                    f"{text}, above the limit of {most:g}",
                    edit=loosened(
                        f"gates.missing.columns.{toml_key(column)}",
                        rate,
                        f"take {column!r} out of [features] in the config",
                    ),
                    splits=[split],
                    at_fault=_blank(column),
                )
            elif split == TRAIN and column in before and rate - _missing(before[column])[0] > gate["max_increase"]:
                was = _missing(before[column])[0]
                yield Finding(
                    "missing",
                    column,
                    gate["max_increase"],
                    rate - was,
                    action,
                    f"{text}, and {100 * was:.4g} % in {today.before[0].shown}: {100 * (rate - was):.4g} points more, "
                    f"above the limit of {100 * gate['max_increase']:g}",
                    edit=f"gates.missing.max_increase = {up(rate - was):g} in the config",
                    splits=[split],
                    at_fault=_blank(column),
                )


def finite(today: Today) -> Iterator[Finding]:
    """NaN and infinite numbers."""
    gate = today.gate("finite")
    for split, facts in today.facts.items():
        for column, (nans, infinite) in facts.odd.items():
            if column not in today.settings["columns"]["used"] or today.optional(column):
                continue
            if nans + infinite > gate["max_share"] * facts.rows:
                part = share(nans + infinite, facts.rows)
                yield Finding(
                    "finite",
                    column,
                    gate["max_share"],
                    (nans + infinite) / facts.rows,
                    today.action("finite"),
                    f"{nans:,} NaN and {infinite:,} infinite numbers in {facts.rows:,} rows ({part}), above the limit "
                    f"of {gate['max_share']:g}",
                    edit=f'data.exclude = ["..."] in the config leaves such rows out; presence {{ min_fraction: 0.9 '
                    f"min_count: 1 }} for {column!r} in {today.settings['schema']} counts them as missing",
                    splits=[split],
                    at_fault=_odd(column),
                )


def rows(today: Today) -> Iterator[Finding]:
    """Number of rows against the last runs."""
    gate, now = today.gate("rows"), sum(one.datasets[0].num_examples for one in today.statistics.values())
    if not today.before:
        return
    last = [one.rows for one in today.before[: gate["runs"]]]
    usual = statistics.median(last)
    ratio = now / usual if usual else float("inf")
    if gate["min_ratio"] <= ratio <= gate["max_ratio"]:
        return
    key, limit = ("min_ratio", gate["min_ratio"]) if ratio < gate["min_ratio"] else ("max_ratio", gate["max_ratio"])
    action = "warn" if today.settings["split"] == "all" and today.action("rows") == "block" else today.action("rows")
    yield Finding(
        "rows",
        None,
        limit,
        ratio,
        action,
        f"{int(now):,} rows, {ratio:.4g} times the {int(usual):,} of the last {len(last)} run(s), "
        f"{'below' if key == 'min_ratio' else 'above'} the limit of {limit:g}",
        edit=f"gates.rows.{key} = {down(ratio) if key == 'min_ratio' else up(ratio):g} in the config, or once as "
        "--set gates.rows=warn",
    )


def unseen(today: Today) -> Iterator[Finding]:
    """Categories that are not known."""
    gate = today.gate("unseen")
    before = by_column(today.before[0].train) if today.before else {}
    for split, measured in today.statistics.items():
        figures = by_column(measured)
        for column in today.settings["columns"]["categories"]:
            feature = today.feature(column)
            if feature is None or column not in figures or not figures[column].HasField("string_stats"):
                continue
            values, where = domain(today.schema, feature), today.settings["schema"]
            most = gate["columns"].get(column, gate["max_share"])
            if values is None:
                was = before.get(column)
                if was is None or not _comparable(was) or measured.datasets[0].num_examples < SMALL:
                    continue
                values = [bucket.label for bucket in was.string_stats.rank_histogram.buckets]
                where = today.before[0].shown
            elif not feature.distribution_constraints.HasField("min_domain_mass"):
                # The schema lets none through.
                continue
            others, part, whole = unnamed(values, figures[column])
            if not part:
                continue
            above = part / whole > most
            yield Finding(
                "unseen",
                column,
                most,
                part / whole,
                today.action("unseen") if above else "warn",
                f"{part:,.0f} of {whole:,.0f} cells ({share(part, whole)}) hold values that {where} does not have, "
                f"such as {', '.join(map(repr, others[:5]))}, {'above' if above else 'within'} the limit of {most:g}"
                + schema_mismatches.spelled_otherwise(others, values),
                edit=loosened(
                    f"gates.unseen.columns.{toml_key(column)}",
                    part / whole,
                    f"take {column!r} out of [features] in the config, as hardly a value comes again",
                )
                if above
                else "",
                splits=[split],
                at_fault=_not_in(column, values),
            )


GATES = {
    "missing": missing,
    "finite": finite,
    "rows": rows,
    "label": label_gate.judge,
    "unseen": unseen,
    "duplicates": equal_row_gates.duplicates,
    "contradictions": equal_row_gates.contradictions,
    "spellings": cell_value_gates.spellings,
    "sentinels": cell_value_gates.stand_ins,
}
"""Key of [gates] -> what judges it."""


def _missing(figures: Any) -> tuple[float, float, float]:
    """Share and number of cells that are missing or blank, and all cells."""
    of_text = figures.HasField("string_stats")
    common = figures.string_stats.common_stats if of_text else figures.num_stats.common_stats
    buckets = figures.string_stats.rank_histogram.buckets if of_text else ()
    part = common.num_missing + sum(bucket.sample_count for bucket in buckets if not bucket.label.strip())
    whole = common.num_missing + common.num_non_missing
    return (part / whole if whole else 0.0), part, whole


def _comparable(figures: Any) -> bool:
    """Whether the values of earlier statistics are all there: up to 1,000 are listed."""
    text = figures.string_stats
    listed = len(text.rank_histogram.buckets)
    return bool(
        figures.HasField("string_stats") and text.unique <= listed and text.common_stats.num_non_missing >= SMALL
    )


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))


def _blank(name: str) -> Predicate:
    def find(batch: pa.RecordBatch) -> Any:
        column = _column(batch, name)
        if pa.types.is_string(column.type):
            return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)
        return pc.is_null(column, nan_is_null=True) if pa.types.is_floating(column.type) else pc.is_null(column)

    return find


def _odd(name: str) -> Predicate:
    def find(batch: pa.RecordBatch) -> Any:
        column = _column(batch, name)
        if not pa.types.is_floating(column.type):
            return pa.array([False] * len(column))
        return pc.fill_null(pc.invert(pc.is_finite(column)), False)

    return find


def _not_in(name: str, values: list[str]) -> Predicate:
    def find(batch: pa.RecordBatch) -> Any:
        texts = _column(batch, name).cast(pa.string())
        return pc.and_(texts.is_valid(), pc.invert(pc.is_in(texts, value_set=pa.array(values, pa.string()))))

    return find
