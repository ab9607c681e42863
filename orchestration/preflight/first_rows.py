"""Checks of the types, splits and labels of the rows that preflight reads, as the stages will read them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_checks import label_problems
from components.ingestion.parsing import casting
from components.ingestion.rows import row_expressions, row_filter
from components.ingestion.rows.split_column import cell_text, named_split, unknown_split
from spec.columns.label import ABOVE, Label
from spec.data import Data
from spec.rows.split import Split


@dataclass
class Table:
    """Totals over the rows of all files.

    Args:
        columns: Column name -> INT, FLOAT or BYTES, of the schema.
        schema: The schema's path, for the messages.
        label: [label].
        weight: Column of the rows' weights; None if all rows count the same.
        feature: The label's column in the schema; None for clusters without one.
        keeper: Filters rows as ingestion will.
        max_null_label: data.max_null_label.
        splits: Number of splits that share the rows; 1 if each has its own files.
        split: [data.split].
        classes: Whether to report unlisted and unused classes, as the gate of the label does.

    Attributes:
        whole: Whether all rows of all files were read.
        kept: Number of rows that pass the filter.
    """

    columns: Mapping[str, str]
    schema: str
    label: Label
    weight: str | None
    feature: schema_pb2.Feature | None
    keeper: row_filter.Keeper
    max_null_label: float
    splits: int
    classes: bool = False
    split: Split = field(default_factory=Split)
    whole: bool = True
    kept: int = 0
    _values: dict[Any, int] = field(default_factory=dict)
    _heaviest: float = 0.0
    _splits_present: set[str] = field(default_factory=set)

    def add(
        self, path: str, names: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[Any], data: Data
    ) -> Iterator[str]:
        """Add rows of strings.

        Args:
            path: Their file.
            names: Columns of the file.
            rows: The cells of each row.
            lines: The line number of each row, or None.
            data: [data].

        Yields:
            Errors.
        """
        arrays: dict[str, pa.Array] = {}
        cleaning = data.cleaning
        texts = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
        for name, column in texts.items():
            kind = self.columns.get(name, "BYTES")
            try:
                arrays[name] = casting.cast(pa.array(column, pa.string()), kind, cleaning.rules(name))
            except casting.BadCellError as error:
                location = _line_suffix(lines[error.row])
                other_types = {"INT": "type: FLOAT or BYTES", "FLOAT": "type: BYTES"}.get(kind)
                schema_edit = f", or write {other_types} for it in {self.schema}" if other_types else ""
                expected = f"{kind}" if other_types else "a date"
                yield (
                    f"{path}{location}: column {name!r} holds {error.value!r}, which is not "
                    f"{expected}{error.expected}: fix the cell{schema_edit}"
                )
                self.whole = False
        if len(arrays) == len(names):
            batch = pa.RecordBatch.from_arrays([*arrays.values(), pa.array(range(len(rows)))], [*arrays, _PLACE])
            yield from self.take(path, batch, [_line_suffix(line) for line in lines])

    def take(self, path: str, batch: pa.RecordBatch, places: Sequence[str]) -> Iterator[str]:
        """Add rows of typed cells.

        Args:
            path: Their file.
            batch: The rows, and their numbers among `places` as the last column.
            places: Location of each row, as a suffix of the path.

        Yields:
            Errors: labels outside the schema's range, unknown splits.
        """
        missing = [name for name in self.keeper.columns if name not in batch.schema.names]
        if missing:
            self.whole = False
            return
        kept_rows = self.keeper.keep(batch)
        self.kept += len(kept_rows)
        if self.weight in kept_rows.schema.names:
            yield from self._weights(path, kept_rows, places)
        yield from self._splits(path, kept_rows, places)
        label_index = batch.schema.get_field_index(self.label.column) if self.label.column else -1
        if label_index < 0:
            return
        column = kept_rows.column(label_index)
        counted = column.value_counts()
        for value, number in zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True):
            self._values[value] = self._values.get(value, 0) + number
        if self.label.transform in ABOVE and not pa.types.is_binary(column.type):
            yield from self._untransformed(path, kept_rows, column, places)
        if self.feature is not None:
            for sign, limit, edit in limits(self.feature):
                outside = pc.fill_null(getattr(pc, sign)(*row_expressions.comparable(column, limit)), False)
                row = pc.index(outside, True).as_py()
                if row >= 0:
                    location = places[kept_rows.column(kept_rows.num_columns - 1)[row].as_py()]
                    yield (
                        f"{path}{location}: the label {self.label.column!r} is {column[row].as_py():g} but {edit}: fix "
                        "the row, or the limit in the schema"
                    )

    def _weights(self, path: str, kept_rows: pa.RecordBatch, places: Sequence[str]) -> Iterator[str]:
        """Yield the error of the first weight below 0, and note the largest weight."""
        column = kept_rows.column(kept_rows.schema.get_field_index(self.weight))
        if pa.types.is_binary(column.type):
            self._heaviest = 1.0
            return
        self._heaviest = max(self._heaviest, pc.max(column).as_py() or 0.0)
        row = pc.index(pc.fill_null(pc.less(column, 0), False), True).as_py()
        if row >= 0:
            problem, edit = label_problems.negative_weight(str(self.weight), column[row].as_py())
            location = places[kept_rows.column(kept_rows.num_columns - 1)[row].as_py()]
            yield f"{path}{location}: the weight column {self.weight!r} {problem}: {edit}"

    def _untransformed(
        self, path: str, kept_rows: pa.RecordBatch, column: pa.Array, places: Sequence[str]
    ) -> Iterator[str]:
        """Yield the error of the first label outside the domain of label.transform."""
        outside = pc.fill_null(pc.less_equal(column, ABOVE[self.label.transform]), False)
        row = pc.index(outside, True).as_py()
        if row >= 0:
            problem, edit = label_problems.untransformed(self.label, column[row].as_py())
            location = places[kept_rows.column(kept_rows.num_columns - 1)[row].as_py()]
            yield f"{path}{location}: the label {self.label.column!r} {problem}; to accept it: {edit}"

    def _splits(self, path: str, kept_rows: pa.RecordBatch, places: Sequence[str]) -> Iterator[str]:
        """Yield the errors of rows whose cell does not name a split."""
        split_index = kept_rows.schema.get_field_index(self.split.column) if self.split.by == "column" else -1
        if split_index < 0:
            return
        column = kept_rows.column(split_index)
        for value in column.unique().to_pylist():
            text = cell_text(value)
            split = named_split(text, self.split.values)
            if split is None:
                matches = pc.is_null(column) if value is None else pc.equal(column, value)
                location = places[kept_rows.column(kept_rows.num_columns - 1)[pc.index(matches, True).as_py()].as_py()]
                yield f"{path}{location}: {unknown_split(str(self.split.column), text, self.split.values)}"
            else:
                self._splits_present.add(split)

    def verdict(self, data_shown: str) -> Iterator[str]:
        """Yield the errors of all rows together; nothing if only part of them was read.

        Args:
            data_shown: Name of the data in messages.
        """
        if not self.whole:
            return
        try:
            if self.label.column and self.label.kind != "clusters":
                row_filter.check_labels(
                    self.keeper.left_out, self.kept, column=self.label.column, most=self.max_null_label
                )
        except ValueError as error:
            yield f"{data_shown}: {error}"
            return
        if self.weight and self.kept and not self._heaviest:
            yield f"{data_shown}: {label_problems.weightless(self.weight)}"
        missing = [name for name in ("train", "test") if name not in self._splits_present]
        if self.split.by == "column" and self.kept and missing:
            yield (
                f"{data_shown}: column {self.split.column!r}, the data.split.column, is {missing[0]!r} in no row: "
                f'map its value with data.split.values = {{VALUE = "{missing[0]}"}}'
            )
        if self.kept < self.splits:
            left_out = row_filter.sentence(self.keeper.left_out)
            yield f"{data_shown}: {self.kept} rows for {self.splits} splits: add rows{left_out}"
        elif self.label.column and self._values:
            class_problem = _one_class(self.label, [value for value in self._values if value is not None])
            if class_problem:
                yield f"{data_shown}: the label {self.label.column!r} {class_problem}"
            elif self.classes:
                yield from self._unlisted(data_shown)

    def _unlisted(self, data_shown: str) -> Iterator[str]:
        """Yield errors of classes that only the data or only the config contains."""
        label = self.label
        counts = {_text(value): rows for value, rows in self._values.items() if value is not None}
        unlisted = label.unlisted(counts)
        if unlisted:
            number = sum(rows for value, rows in counts.items() if label.text(value) in unlisted)
            problem = label_problems.unlisted(label, unlisted, f"{number:,} of {self.kept:,} rows")
            listed = self.feature is not None and self.feature.WhichOneof("domain_info") in ("domain", "string_domain")
            accepts = label_problems.accepting(
                label, unlisted, self.schema, domain=listed, texts=self.columns.get(str(label.column)) == "BYTES"
            )
            yield f"{data_shown}: the label {label.column!r}: {problem}; to accept it: {accepts}"
        present = {label.class_of(value) for value in counts}
        for name in label.classes if label.kind == "classes" and label.tiers is None else ():
            if name not in present:
                yield (
                    f"{data_shown}: class {name!r} of label.classes has no rows: remove it from label.classes in the "
                    "config, or add rows of it to the data"
                )


_PLACE = " place"
"""Column of row numbers: no schema has such a name."""


def numbered(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with its row numbers as the last column."""
    return pa.RecordBatch.from_arrays([*batch.columns, pa.array(range(len(batch)))], [*batch.schema.names, _PLACE])


def limits(feature: schema_pb2.Feature) -> Iterator[tuple[str, float, str]]:
    """Yield Arrow's comparison for values outside the schema's range, the limit, and its description."""
    for kind in ("int_domain", "float_domain"):
        if feature.HasField(kind):
            domain = getattr(feature, kind)
            if domain.HasField("min"):
                yield "less", domain.min, f"the schema says {kind} {{ min: {domain.min:g} }}"
            if domain.HasField("max"):
                yield "greater", domain.max, f"the schema says {kind} {{ max: {domain.max:g} }}"


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _line_suffix(place: Any) -> str:
    return "" if place is None else f", line {place}"


def _one_class(label: Label, values: Sequence[Any]) -> str:
    """Return why nothing can be learned from these labels; empty if there are two classes or more."""
    classes = {label.class_of(_text(value)) for value in values}
    if label.kind == "clusters" or len(classes) > 1:
        return ""
    value_examples = ", ".join(sorted({repr(value) for value in values})[:5])
    if label.kind == "anomaly":
        return "" if classes == {"normal"} else "is an anomaly in every row: add normal rows to learn from"
    if label.kind in ("regression", "classes"):
        return f"is {value_examples} in every row: there is nothing to learn"
    rule = f"label.positive = {label.positive!r}" if label.positive is not None else f"threshold = {label.threshold:g}"
    all_positive = classes == {(label.names or ())[1]}
    return (
        f"has one class: {rule} matches {'every' if all_positive else 'no'} row; values: {value_examples}: fix the rule"
    )
