"""Differences between data and an approved schema: those that stop a run, and those that do not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_checks import label_problems, schema_mismatches
from components.ingestion.rows import row_expressions
from curation import renamed_columns
from curation.facts import column_facts
from curation.facts.column_facts import Column
from spec.columns.label import Label

_WIDTH = {"INT": 0, "FLOAT": 1, "BYTES": 2}


@dataclass(frozen=True, order=True)
class Difference:
    """One difference.

    Attributes:
        rank: 0 is worst: a missing column; 1 type, 2 values or presence, 3 a new column, 4 does not stop a run.
        share: Negative share of the affected rows, so that the largest sorts first.
        column: The column.
        text: Description.
    """

    rank: int
    share: float
    column: str
    text: str

    @property
    def stops(self) -> bool:
        """Whether the difference stops a run."""
        return self.rank < 4

    def __str__(self) -> str:
        return f"{'refused' if self.stops else 'allowed'}  {self.column}: {self.text}"


def differences(
    schema: schema_pb2.Schema,
    table: pa.Table,
    columns_of: Mapping[str, Sequence[str]] | None = None,
    not_numbers: Collection[str] = (),
) -> list[Difference]:
    """Compare data with a schema.

    Args:
        schema: The approved schema.
        table: The data; a column may hold strings although its type in the schema is a number.
        columns_of: File -> its columns, to name the files that lack one; None if the table is one file.
        not_numbers: Columns of numbers that are texts, because they have another format than data.csv says.

    Returns:
        Differences, the worst first.
    """
    result: list[Difference] = []
    files = columns_of or {"": table.column_names}
    domains = {domain.name: domain for domain in schema.string_domain}
    renamed = renamed_columns.proposals(schema, table, files)
    for feature in schema.feature:
        files_without = [file for file, names in files.items() if feature.name not in names]
        if files_without or feature.name not in table.column_names:
            location = "the data" if len(files_without) == len(files) else _file_list(files_without)
            text = schema_mismatches.missing_column(location, feature.name, renamed.get(feature.name))
            result.append(Difference(0, -len(files_without) / len(files), feature.name, text))
            continue
        result += _column(feature, table[feature.name], domains, feature.name in not_numbers)
    approved = {feature.name for feature in schema.feature}
    for name in table.column_names:
        if name not in approved:
            kind = "BYTES" if name in not_numbers else column_facts.settle(table[name])[0]
            files_with = [file for file, names in files.items() if name in names]
            location = f" in {_file_list(files_with)}" if 0 < len(files_with) < len(files) else ""
            result.append(Difference(3, -1.0, name, schema_mismatches.new_column(kind, location)))
    return sorted(result)


def new_classes(schema: schema_pb2.Schema, table: pa.Table, label: Label, schema_path: str) -> list[Difference]:
    """Find values of the label that the config does not list, as the gate of the label does.

    Args:
        schema: The approved schema.
        table: The data.
        label: [label].
        schema_path: The schema's path.
    """
    if label.column is None or label.column not in table.column_names or label.kind == "clusters":
        return []
    feature = next((feature for feature in schema.feature if feature.name == label.column), None)
    column = table[label.column].drop_null()
    if feature is not None and feature.type != schema_pb2.BYTES:
        column = column_facts.settle(column)[1].drop_null()
    counts = pc.value_counts(column)
    rows = dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
    unlisted = label.unlisted(rows)
    if not unlisted:
        return []
    number = sum(count for value, count in rows.items() if label.text(value) in unlisted)
    listed = feature is not None and feature.WhichOneof("domain_info") in ("domain", "string_domain")
    finding = label_problems.unlisted(label, unlisted, f"{number:,} of {len(column):,} rows")
    accepts = label_problems.accepting(
        label, unlisted, schema_path, domain=listed, texts=feature is None or feature.type == schema_pb2.BYTES
    )
    return [Difference(2, -number / len(column), label.column, f"{finding}; to accept it: {accepts}")]


def _file_list(files: Sequence[str]) -> str:
    return files[0] + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _column(
    feature: schema_pb2.Feature,
    cells: pa.ChunkedArray,
    domains: Mapping[str, schema_pb2.StringDomain],
    are_texts: bool,
) -> list[Difference]:
    approved = schema_pb2.FeatureType.Name(feature.type)
    kind, typed = column_facts.settle(cells)
    if approved == "BYTES" or are_texts:
        kind, typed = "BYTES", cells if pa.types.is_binary(cells.type) else cells.cast(pa.string())
    result: list[Difference] = []
    if _WIDTH[kind] > _WIDTH.get(approved, 2) and cells.null_count < len(cells):
        text = schema_mismatches.other_type(approved, kind, _misfit(cells, approved))
        return [Difference(1, -1.0, feature.name, text)]
    column = column_facts.column(feature.name, kind, typed)
    present = 1.0 - column.missing_share
    if not column.present and (feature.presence.min_count or feature.presence.min_fraction):
        result.append(Difference(2, -1.0, feature.name, schema_mismatches.EMPTY))
    elif present < feature.presence.min_fraction:
        text = schema_mismatches.missing(column.missing_share, feature.presence.min_fraction)
        result.append(Difference(2, -column.missing_share, feature.name, text))
    result += _range(feature, column, typed)
    if approved == "BYTES" and column.present and not column.picture:
        result += _domain(feature, typed, domains)
    return result


def _misfit(cells: pa.ChunkedArray, approved: str) -> str:
    """Describe the cells that are not of the approved type: the first one and their number."""
    pattern = r"^[+-]?\d+$" if approved == "INT" else r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
    texts = cells.drop_null().cast(pa.string())
    misfits = texts.filter(pc.invert(pc.match_substring_regex(texts, pattern)))
    if not len(misfits):
        return f"as {texts[0].as_py()!r}"
    return f"{misfits[0].as_py()!r} and {len(misfits) - 1:,} more" if len(misfits) > 1 else f"{misfits[0].as_py()!r}"


def _range(feature: schema_pb2.Feature, column: Column, cells: pa.ChunkedArray) -> list[Difference]:
    numbers = column.numbers
    if numbers is None:
        return []
    domain_field = feature.WhichOneof("domain_info")
    if domain_field not in ("int_domain", "float_domain"):
        return []
    domain = getattr(feature, domain_field)
    result = []
    for edge, value, beyond, compare in (
        ("min", numbers.low, numbers.low < domain.min, pc.less),
        ("max", numbers.high, numbers.high > domain.max, pc.greater),
    ):
        if domain.HasField(edge) and beyond:
            limit = getattr(domain, edge)
            rows = pc.sum(compare(*row_expressions.comparable(cells, limit))).as_py()
            text = schema_mismatches.beyond(limit, value, above=edge == "max", rows=rows)
            result.append(Difference(2, -rows / column.rows, feature.name, text))
    return result


def _domain(
    feature: schema_pb2.Feature, cells: pa.ChunkedArray, domains: Mapping[str, schema_pb2.StringDomain]
) -> list[Difference]:
    domain_field = feature.WhichOneof("domain_info")
    domain_values: Sequence[str]
    if domain_field == "domain" and feature.domain in domains:
        domain_values = domains[feature.domain].value
    elif domain_field == "string_domain":
        domain_values = feature.string_domain.value
    else:
        return []
    counts = pc.value_counts(cells.drop_null())
    rows = dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
    values = sum(rows.values())
    new_values = sorted(
        ((count, value) for value, count in rows.items() if value not in set(domain_values)), reverse=True
    )
    if not new_values:
        return []
    share = sum(count for count, _ in new_values) / values
    mass = feature.distribution_constraints.min_domain_mass if feature.HasField("distribution_constraints") else 1.0
    text = schema_mismatches.new_values([(value, count) for count, value in new_values], values, mass, domain_values)
    return [Difference(2 if share > 1 - mass else 4, -share, feature.name, text)]
