"""Gate on the label: range of a number, rows of each class."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, FiniteFloat, model_validator
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_checks import label_problems
from components.validation import gate_findings
from components.validation.anomaly_sentences import domain
from components.validation.gate_context import TRAIN, GateContext
from components.validation.gate_findings import Finding, Predicate
from spec.columns.label import Label
from spec.gates import Action, GateSettings

NAMED = 5
"""Classes that a message names."""


class Settings(GateSettings):
    """Range of the label, and number of rows of each class."""

    renamed: ClassVar[Mapping[str, str]] = {"lowest": "min_value", "highest": "max_value"}
    action: Action = "block"
    """warn, block the run, or off."""
    min_value: FiniteFloat | None = None
    """regression: smallest allowed label, in addition to the schema's range."""
    max_value: FiniteFloat | None = None
    """regression: largest allowed label."""
    min_count: int = Field(default=1, ge=0)
    """binary, classes: smallest number of rows of each class in the train split; two classes are always required."""

    @model_validator(mode="after")
    def _ends_in_order(self) -> "Settings":
        if self.min_value is not None and self.max_value is not None and self.min_value > self.max_value:
            raise ValueError("label: min_value is above max_value")
        return self

    def check(self, label: Label) -> None:
        """Check that range or number of rows have an effect for the label's task."""
        for key in ("min_value", "max_value"):
            if getattr(self, key) is not None and label.kind != "regression":
                raise ValueError(f"gates.label.{key} has no effect for task {label.task!r}: remove it")
        default = type(self).model_fields["min_count"].default
        if self.min_count != default and label.kind not in ("binary", "classes"):
            raise ValueError(f"gates.label.min_count has no effect for task {label.task!r}: remove it")


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare smallest and largest label, and rows of each class, with their limits."""
    label = context.label
    if label.column is None or label.kind == "clusters":
        return
    for split, facts in context.facts.items():
        if not facts.ends:
            continue
        smallest, largest = facts.ends
        if settings.min_value is not None and smallest < settings.min_value:
            yield _out_of_range(label.column, "min_value", settings.min_value, smallest, split)
        if settings.max_value is not None and largest > settings.max_value:
            yield _out_of_range(label.column, "max_value", settings.max_value, largest, split)
    if TRAIN in context.facts and context.facts[TRAIN].labels is not None and label.tiers is None:
        yield from _classes(context, label, settings.min_count)


def _out_of_range(column: str, key: str, limit: float, value: float, split: str) -> Finding:
    is_low = key == "min_value"
    return Finding(
        column,
        limit,
        value,
        f"smallest value {value:g}, below the limit of {limit:g}"
        if is_low
        else f"largest value {value:g}, above the limit of {limit:g}",
        edit=f"gates.label.{key} = {value:g} in the config",
        splits=[split],
        at_fault=is_beyond(column, limit, below=is_low),
    )


def is_beyond(name: str, limit: float, *, below: bool, or_equal: bool = False) -> Predicate:
    """Return a function that marks the rows whose value is beyond a limit."""
    compare = getattr(pc, ("less" if below else "greater") + ("_equal" if or_equal else ""))
    return lambda batch: pc.fill_null(compare(batch.column(batch.schema.get_field_index(name)), limit), False)


def _unlisted(context: GateContext, label: Label) -> Iterator[Finding]:
    """Find values that label.classes does not list: the model would neither learn nor be judged on such rows."""
    column = str(label.column)
    feature = context.feature(column)
    counts: dict[str, int] = {}
    for facts in context.facts.values():
        for value, rows in (facts.labels or {}).items():
            counts[label.text(value)] = counts.get(label.text(value), 0) + rows
    unlisted = label.unlisted(counts)
    if not unlisted:
        return
    rows, total = sum(counts[name] for name in unlisted), sum(facts.rows for facts in context.facts.values())
    yield Finding(
        column,
        0,
        rows,
        label_problems.unlisted(label, unlisted, f"{rows:,} of {total:,} rows"),
        edit=label_problems.accepting(
            label,
            unlisted,
            context.schema_path,
            domain=feature is not None and domain(context.schema, feature) is not None,
            texts=feature is None or feature.type == schema_pb2.BYTES,
        ),
        splits=[
            split
            for split, facts in context.facts.items()
            if any(label.text(value) in unlisted for value in facts.labels or ())
        ],
        at_fault=_is_among(column, label, unlisted),
    )


def _is_among(name: str, label: Label, values: Collection[str]) -> Predicate:
    def mark(batch: pa.RecordBatch) -> Any:
        coded = batch.column(batch.schema.get_field_index(name)).dictionary_encode()
        is_value = [label.text(gate_findings.text(value)) in values for value in coded.dictionary.to_pylist()]
        return pc.fill_null(pc.take(pa.array(is_value, pa.bool_()), coded.indices), False)

    return mark


def _classes(context: GateContext, label: Label, min_count: int) -> Iterator[Finding]:
    counts: dict[str, dict[Any, int]] = {}
    for split, facts in context.facts.items():
        of_split = counts.setdefault(split, {})
        for value, rows in (facts.labels or {}).items():
            name = label.class_of(value)
            if name is not None:
                of_split[name] = of_split.get(name, 0) + rows
    train, column = counts[TRAIN], label.column
    if label.kind == "anomaly":
        if not train.get("normal"):
            text = "train has no normal row, and the network learns only from normal rows"
            yield Finding(column, 1, 0, text, splits=[TRAIN])
        return
    if len(train) < 2:
        classes = ", ".join(map(repr, train))
        text = f"train has only the class {classes}" if train else "train has no class"
        yield Finding(column, 2, len(train), f"{text}: at least two are required", splits=[TRAIN])
        return
    if label.kind == "regression":
        return
    yield from _unlisted(context, label)
    for name in dict.fromkeys([*(label.names or ()), *train]):
        rows = train.get(name, 0)
        if rows < min_count:
            is_removable = not rows and name in label.classes and len(label.classes) > 2
            yield Finding(
                column,
                min_count,
                rows,
                f"class {name!r} has {rows:,} rows in train, below the limit of {min_count}",
                edit=f"remove {name!r} from label.classes in the config"
                if is_removable
                else f"gates.label.min_count = {rows} in the config",
                splits=[TRAIN],
            )
    for split in counts:
        unknown = sorted(set(map(str, counts[split])) - set(map(str, train)))
        if unknown:
            yield Finding(
                column,
                0,
                len(unknown),
                f"class {', '.join(map(repr, unknown[:NAMED]))} is in {split} but not in train, so the model cannot "
                "predict it",
                splits=[split],
                action="warn",
            )
