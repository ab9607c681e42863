"""Merge of an inferred schema with the approved one: values that are not in this data stay allowed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from curation.facts.column_facts import Column, Facts
from curation.propose.schema_comments import Comments
from curation.propose.schema_text import quote

MAX_NAMED = 10
"""Maximum number of values in a mark."""
_FIRST = ("name", "type", "presence", "shape", "value_count")
"""Fields of a column in the order in which they are written; others follow."""
_WHOLE = re.compile(r"(\d)\.0(?=\s)")
"""A float without a fraction, which is written as in a first proposal."""


@dataclass
class Merged:
    """A merged schema.

    Attributes:
        features: The columns, in the order of the data.
        domains: Column's domain by name.
        marks: Column -> sentence on approved values or nulls that stay allowed, although this data has none.
        dropped: Columns of the approved schema that the data lacks.
    """

    features: list[schema_pb2.Feature] = field(default_factory=list)
    domains: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, list[str]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the marks and the dropped columns, a line each."""
        mark_lines = [f"{column}: {mark}" for column, marks in self.marks.items() for mark in marks]
        return [*mark_lines, *(f"{column}: dropped, because it is not in this data" for column in self.dropped)]


def merge(approved: schema_pb2.Schema, inferred: schema_pb2.Schema, facts: Facts) -> Merged:
    """Merge two schemas: a value, null or range that one of them allows is allowed.

    A column whose type has changed is as inferred. Constraints that are never inferred are those of the approved one.

    Args:
        approved: The approved schema.
        inferred: The schema of the data alone.
        facts: Statistics of the data.
    """
    approved_features = {feature.name: feature for feature in approved.feature}
    approved_domains = {domain.name: list(domain.value) for domain in approved.string_domain}
    inferred_domains = {domain.name: list(domain.value) for domain in inferred.string_domain}
    names = [feature.name for feature in inferred.feature]
    merged = Merged(dropped=[name for name in approved_features if name not in names])
    for feature in inferred.feature:
        approved_feature, marks = approved_features.get(feature.name), []
        if approved_feature is None or approved_feature.type != feature.type:
            merged.features.append(feature)
            if feature.HasField("domain"):
                merged.domains[feature.domain] = inferred_domains[feature.domain]
            continue
        merged_feature = schema_pb2.Feature()
        merged_feature.CopyFrom(approved_feature)
        marks += _presence(merged_feature, feature)
        _range(merged_feature, facts[feature.name])
        marks += _values(merged_feature, facts[feature.name], approved_domains)
        if merged_feature.HasField("domain") and merged_feature.domain in approved_domains:
            merged.domains[merged_feature.domain] = approved_domains[merged_feature.domain]
        merged.features.append(merged_feature)
        if marks:
            merged.marks[feature.name] = marks
    return merged


def _presence(merged: schema_pb2.Feature, inferred: schema_pb2.Feature) -> list[str]:
    """Use the lower of both minimum presences; return a mark if it is the approved one."""
    if inferred.presence.min_fraction < merged.presence.min_fraction:
        merged.presence.CopyFrom(inferred.presence)
        merged.ClearField("shape_type")
        merged.value_count.CopyFrom(inferred.value_count)
    elif merged.presence.min_fraction < 1 <= inferred.presence.min_fraction:
        return ["kept optional although never null in this data"]
    return []


def _range(merged: schema_pb2.Feature, column: Column) -> None:
    """Extend the range of a number to the data."""
    domain_field = merged.WhichOneof("domain_info")
    if domain_field not in ("int_domain", "float_domain") or column.numbers is None:
        return
    domain = getattr(merged, domain_field)
    kind = int if domain_field == "int_domain" else float
    if domain.HasField("min"):
        domain.min = min(domain.min, kind(column.numbers.low))
    if domain.HasField("max"):
        domain.max = max(domain.max, kind(column.numbers.high))


def _values(merged: schema_pb2.Feature, column: Column, domains: dict[str, list[str]]) -> list[str]:
    """Add the data's values to the domain; return a mark with those that the data lacks."""
    domain_field = merged.WhichOneof("domain_info")
    data_values = [value for value, _ in column.top]
    if domain_field == "string_domain":
        allowed = list(merged.string_domain.value)
        merged.string_domain.value.extend(sorted(set(data_values) - set(allowed)))
    elif domain_field == "domain" and merged.domain in domains:
        allowed = domains[merged.domain]
        domains[merged.domain] = [*allowed, *sorted(set(data_values) - set(allowed))]
    else:
        return []
    missing_values = [value for value in allowed if value not in set(data_values)]
    if not missing_values or column.distinct > len(data_values):
        return []
    more = f" and {len(missing_values) - MAX_NAMED} more" if len(missing_values) > MAX_NAMED else ""
    return [f"kept although not in this data: {', '.join(map(quote, missing_values[:MAX_NAMED]))}{more}"]


def text(merged: Merged, head: Sequence[str], generated: Comments, approved: schema_pb2.Schema) -> str:
    """Write a merged schema.

    Args:
        merged: The schema.
        head: Lines of the comment at its top.
        generated: Generated comments of the inferred schema.
        approved: The approved schema, whose other constraints stay.

    Returns:
        The text of a .pbtxt file.
    """
    head = [*head, *(f"# {column}: dropped, because it is not in this data" for column in merged.dropped)]
    blocks = ["\n".join(head) + "\n"]
    for feature in merged.features:
        optional = feature.presence.min_fraction < 1
        comments = [*(generated.within.get(feature.name, []) if optional else [])]
        comments += [f"  # {mark}" for mark in merged.marks.get(feature.name, [])]
        blocks.append("\n".join(["feature {", *_fields(feature, comments), "}"]))
    other_constraints = schema_pb2.Schema()
    other_constraints.CopyFrom(approved)
    other_constraints.ClearField("feature")
    other_constraints.ClearField("string_domain")
    constraint_texts = (
        [text_format.MessageToString(other_constraints, as_utf8=True)] if other_constraints.ByteSize() else []
    )
    domains = [
        "\n".join(
            ["string_domain {", f"  name: {quote(name)}", *(f"  value: {quote(value)}" for value in values), "}\n"]
        )
        for name, values in merged.domains.items()
    ]
    return "\n".join(blocks) + "\n".join(["", *constraint_texts, *domains] if constraint_texts or domains else [])


def _fields(feature: schema_pb2.Feature, comments: Sequence[str]) -> list[str]:
    """Write the fields of a column, one a line, with the comments after its type."""
    fields = {descriptor.name: value for descriptor, value in feature.ListFields()}
    lines = [f"  name: {quote(feature.name)}", f"  type: {schema_pb2.FeatureType.Name(feature.type)}", *comments]
    for name in dict.fromkeys([*(name for name in _FIRST if name in fields), *fields]):
        if name not in ("name", "type"):
            line = text_format.MessageToString(_single_field(feature, name), as_one_line=True, as_utf8=True).strip()
            lines.append("  " + (_WHOLE.sub(r"\1", line) if name == "float_domain" else line))
    return lines


def _single_field(feature: schema_pb2.Feature, name: str) -> schema_pb2.Feature:
    """Return a column with one of its fields."""
    single = schema_pb2.Feature()
    single.CopyFrom(feature)
    for descriptor, _ in feature.ListFields():
        if descriptor.name != name:
            single.ClearField(descriptor.name)
    return single
