"""Merge of an inferred schema with the approved one: what one delivery happens not to contain stays allowed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from curation.facts.column_facts import Column, Facts
from curation.propose.schema_comments import Comments
from curation.propose.schema_text import quote

NAMED = 10
"""Values that a mark names."""
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
        marks: Column -> what the data alone would have narrowed.
        dropped: Columns of the approved schema that the data lacks.
    """

    features: list[schema_pb2.Feature] = field(default_factory=list)
    domains: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, list[str]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the marks and the dropped columns, a line each."""
        kept = [f"{column}: {mark}" for column, marks in self.marks.items() for mark in marks]
        return [*kept, *(f"{column}: dropped, because it is not in this data" for column in self.dropped)]


def merge(approved: schema_pb2.Schema, inferred: schema_pb2.Schema, facts: Facts) -> Merged:
    """Merge two schemas: each column allows what one of them allows.

    A column whose type has changed is taken as inferred. Constraints that are never inferred stay.

    Args:
        approved: The approved schema.
        inferred: The schema of the data alone.
        facts: Statistics of the data.
    """
    before = {feature.name: feature for feature in approved.feature}
    known = {domain.name: list(domain.value) for domain in approved.string_domain}
    new = {domain.name: list(domain.value) for domain in inferred.string_domain}
    names = [feature.name for feature in inferred.feature]
    merged = Merged(dropped=[name for name in before if name not in names])
    for feature in inferred.feature:
        old, marks = before.get(feature.name), []
        if old is None or old.type != feature.type:
            merged.features.append(feature)
            if feature.HasField("domain"):
                merged.domains[feature.domain] = new[feature.domain]
            continue
        both = schema_pb2.Feature()
        both.CopyFrom(old)
        marks += _presence(both, feature)
        _range(both, facts[feature.name])
        marks += _values(both, facts[feature.name], known)
        if both.HasField("domain") and both.domain in known:
            merged.domains[both.domain] = known[both.domain]
        merged.features.append(both)
        if marks:
            merged.marks[feature.name] = marks
    return merged


def _presence(both: schema_pb2.Feature, inferred: schema_pb2.Feature) -> list[str]:
    """Take over the smaller presence; return a mark if it is the approved one."""
    if inferred.presence.min_fraction < both.presence.min_fraction:
        both.presence.CopyFrom(inferred.presence)
        both.ClearField("shape_type")
        both.value_count.CopyFrom(inferred.value_count)
    elif both.presence.min_fraction < 1 <= inferred.presence.min_fraction:
        return ["kept optional although never null in this data"]
    return []


def _range(both: schema_pb2.Feature, column: Column) -> None:
    """Extend the range of a number to the data."""
    which = both.WhichOneof("domain_info")
    if which not in ("int_domain", "float_domain") or column.numbers is None:
        return
    domain = getattr(both, which)
    kind = int if which == "int_domain" else float
    if domain.HasField("min"):
        domain.min = min(domain.min, kind(column.numbers.low))
    if domain.HasField("max"):
        domain.max = max(domain.max, kind(column.numbers.high))


def _values(both: schema_pb2.Feature, column: Column, domains: dict[str, list[str]]) -> list[str]:
    """Add the data's values to the domain; return a mark with those that the data lacks."""
    which = both.WhichOneof("domain_info")
    seen = [value for value, _ in column.top]
    if which == "string_domain":
        known = list(both.string_domain.value)
        both.string_domain.value.extend(sorted(set(seen) - set(known)))
    elif which == "domain" and both.domain in domains:
        known = domains[both.domain]
        domains[both.domain] = [*known, *sorted(set(seen) - set(known))]
    else:
        return []
    lacking = [value for value in known if value not in set(seen)]
    if not lacking or column.distinct > len(seen):
        return []
    more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    return [f"kept although not in this data: {', '.join(map(quote, lacking[:NAMED]))}{more}"]


def text(merged: Merged, head: Sequence[str], own: Comments, approved: schema_pb2.Schema) -> str:
    """Write a merged schema.

    Args:
        merged: The schema.
        head: Lines of the comment at its top.
        own: Generated comments of the inferred schema.
        approved: The approved schema, whose other constraints stay.

    Returns:
        The text of a .pbtxt file.
    """
    head = [*head, *(f"# {column}: dropped, because it is not in this data" for column in merged.dropped)]
    blocks = ["\n".join(head) + "\n"]
    for feature in merged.features:
        optional = feature.presence.min_fraction < 1
        comments = [*(own.within.get(feature.name, []) if optional else [])]
        comments += [f"  # {mark}" for mark in merged.marks.get(feature.name, [])]
        blocks.append("\n".join(["feature {", *_fields(feature, comments), "}"]))
    rest = schema_pb2.Schema()
    rest.CopyFrom(approved)
    rest.ClearField("feature")
    rest.ClearField("string_domain")
    others = [text_format.MessageToString(rest, as_utf8=True)] if rest.ByteSize() else []
    domains = [
        "\n".join(
            ["string_domain {", f"  name: {quote(name)}", *(f"  value: {quote(value)}" for value in values), "}\n"]
        )
        for name, values in merged.domains.items()
    ]
    return "\n".join(blocks) + "\n".join(["", *others, *domains] if others or domains else [])


def _fields(feature: schema_pb2.Feature, comments: Sequence[str]) -> list[str]:
    """Write the fields of a column, one a line, with the comments after its type."""
    fields = {descriptor.name: value for descriptor, value in feature.ListFields()}
    lines = [f"  name: {quote(feature.name)}", f"  type: {schema_pb2.FeatureType.Name(feature.type)}", *comments]
    for name in dict.fromkeys([*(name for name in _FIRST if name in fields), *fields]):
        if name not in ("name", "type"):
            line = text_format.MessageToString(_only(feature, name), as_one_line=True, as_utf8=True).strip()
            lines.append("  " + (_WHOLE.sub(r"\1", line) if name == "float_domain" else line))
    return lines


def _only(feature: schema_pb2.Feature, name: str) -> schema_pb2.Feature:
    """Return a column with one of its fields."""
    one = schema_pb2.Feature()
    one.CopyFrom(feature)
    for descriptor, _ in feature.ListFields():
        if descriptor.name != name:
            one.ClearField(descriptor.name)
    return one
