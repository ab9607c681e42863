"""The gate on the label: range of a number, rows of each class."""

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_checks import label_problems
from components.validation import gate_findings
from components.validation.anomaly_sentences import domain
from components.validation.gate_context import TRAIN, Today
from components.validation.gate_findings import Finding, Predicate
from components.validation.gates.schema_gate import by_column
from spec.columns.label import ABOVE, Label


def judge(today: Today) -> Iterator[Finding]:
    """Range of a number, rows of each class."""
    gate, action, role = today.gate("label"), today.action("label"), Label.model_validate(today.settings["label"])
    if role.column is None or role.task == "clusters":
        return
    for split, facts in today.facts.items():
        for key, at, below in (("min_value", 0, True), ("max_value", 1, False)):
            limit = gate[key]
            if limit is not None and facts.ends and (facts.ends[at] < limit if below else facts.ends[at] > limit):
                yield Finding(
                    "label",
                    role.column,
                    limit,
                    facts.ends[at],
                    action,
                    f"{'smallest' if below else 'largest'} value {facts.ends[at]:g}, {'below' if below else 'above'} "
                    f"the limit of {limit:g}",
                    edit=f"gates.label.{key} = {facts.ends[at]:g} in the config",
                    splits=[split],
                    at_fault=_beyond(role.column, limit, below),
                )
    if TRAIN in today.facts and today.facts[TRAIN].labels is not None and role.tiers is None:
        yield from _classes(today, role, gate["min_count"], action)


def unlearnable(today: Today) -> Iterator[Finding]:
    """What no gate lets through, as the trainer would fail on it: labels without a logarithm, weights of 0 alone."""
    yield from _weightless(today)
    role = Label.model_validate(today.settings["label"])
    for split, facts in today.facts.items():
        text, edit = label_problems.untransformed(role, facts.ends[0]) if facts.ends else ("", "")
        if text:
            limit = ABOVE[role.transform]
            found = _beyond(str(role.column), limit, True, equal=True)
            yield Finding("label", role.column, limit, facts.ends[0], "block", text, edit, [split], found)


def _weightless(today: Today) -> Iterator[Finding]:
    """Weights that are all 0, with which nothing would be learned or measured."""
    column = today.settings["weight"]
    for split, measured in today.statistics.items():
        figures = by_column(measured).get(column) if column is not None else None
        if figures is not None and figures.HasField("num_stats") and figures.num_stats.max <= 0:
            text = label_problems.weightless(column)
            yield Finding("label", None, 0, figures.num_stats.max, "block", text, splits=[split])


def _unlisted(today: Today, role: Label, action: str) -> Iterator[Finding]:
    """Values that the config's classes do not have: such rows would be trained on and judged by nobody."""
    feature, column = today.feature(str(role.column)), str(role.column)
    counts: dict[str, int] = {}
    for facts in today.facts.values():
        for value, number in (facts.labels or {}).items():
            counts[role.text(value)] = counts.get(role.text(value), 0) + number
    others = role.unlisted(counts)
    if not others:
        return
    number, every = sum(counts[name] for name in others), sum(facts.rows for facts in today.facts.values())
    edit = label_problems.accepting(
        role,
        others,
        today.settings["schema"],
        domain=feature is not None and domain(today.schema, feature) is not None,
        texts=feature is None or feature.type == schema_pb2.BYTES,
    )
    yield Finding(
        "label",
        column,
        0,
        number,
        action,
        label_problems.unlisted(role, others, f"{number:,} of {every:,} rows"),
        edit=edit,
        splits=[
            split
            for split, facts in today.facts.items()
            if any(role.text(value) in others for value in facts.labels or ())
        ],
        at_fault=_among(column, role, others),
    )


def _among(name: str, role: Label, values: Collection[str]) -> Predicate:
    def find(batch: pa.RecordBatch) -> Any:
        coded = batch.column(batch.schema.get_field_index(name)).dictionary_encode()
        bad = [role.text(gate_findings.text(value)) in values for value in coded.dictionary.to_pylist()]
        return pc.fill_null(pc.take(pa.array(bad, pa.bool_()), coded.indices), False)

    return find


def _classes(today: Today, role: Label, least: int, action: str) -> Iterator[Finding]:
    found: dict[str, dict[Any, int]] = {}
    for split, facts in today.facts.items():
        counted = found.setdefault(split, {})
        for value, number in (facts.labels or {}).items():
            name = role.class_of(value)
            if name is not None:
                counted[name] = counted.get(name, 0) + number
    train, column = found[TRAIN], role.column
    if role.task == "anomaly":
        if not train.get("normal"):
            yield Finding(
                "label",
                column,
                1,
                0,
                action,
                "no row of train is normal, and the network learns from these alone",
                splits=[TRAIN],
            )
        return
    if len(train) < 2:
        shown = ", ".join(map(repr, train)) or "no class"
        yield Finding(
            "label",
            column,
            2,
            len(train),
            action,
            f"one class in train, {shown}: there is nothing to tell apart",
            splits=[TRAIN],
        )
        return
    if role.task == "regression":
        return
    yield from _unlisted(today, role, action)
    for name in dict.fromkeys([*(role.names or ()), *train]):
        if train.get(name, 0) < least:
            gone = not train.get(name) and name in role.classes and len(role.classes) > 2
            yield Finding(
                "label",
                column,
                least,
                train.get(name, 0),
                action,
                f"class {name!r} has {train.get(name, 0):,} rows in train, below the limit of {least}",
                edit=f"take {name!r} out of label.classes in the config"
                if gone
                else f"gates.label.min_count = {train.get(name, 0)} in the config",
                splits=[TRAIN],
            )
    for split in found:
        others = sorted(set(map(str, found[split])) - set(map(str, train)))
        if others:
            yield Finding(
                "label",
                column,
                0,
                len(others),
                "warn",
                f"class {', '.join(map(repr, others[:5]))} is in {split} and not in train, so that no such "
                "row is answered right",
                splits=[split],
            )


def _beyond(name: str, limit: float, below: bool, *, equal: bool = False) -> Predicate:
    compare = getattr(pc, ("less" if below else "greater") + ("_equal" if equal else ""))
    return lambda batch: pc.fill_null(compare(batch.column(batch.schema.get_field_index(name)), limit), False)
