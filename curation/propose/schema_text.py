"""Text of a proposed schema: a TFMD schema in protobuf's text format, from the statistics of a table."""

import math
from collections.abc import Collection, Sequence

from curation.facts.column_facts import Column, Facts
from printing import visible

MAX_DOMAIN_VALUES = 50
"""Maximum number of values in a written domain."""
DOMAIN_MASS = 0.95
"""Share of the values that the domain must cover, so that a rare new value does not stop a run."""


def schema(
    facts: Facts, head: Sequence[str], *, categories: Collection[str], label: str | None, complete: Collection[str] = ()
) -> str:
    """Write a schema.

    Args:
        facts: Statistics of the table.
        head: Lines of the comment at its top.
        categories: Columns with a domain, in which a few new values are allowed.
        label: The label column; rows without a label are dropped, and a new class is refused.
        complete: Other columns whose nulls drop a row.

    Returns:
        The text of a .pbtxt file.
    """
    blocks = ["\n".join(f"# {visible(line)}".rstrip() for line in head) + "\n"]
    domains = []
    for column in facts.columns:
        closed = column.kind == "BYTES" and 1 < column.distinct <= MAX_DOMAIN_VALUES
        closed = closed and (column.name in categories or column.name == label)
        mass = (1.0 if column.name == label else DOMAIN_MASS) if closed else None
        blocks.append(feature(column, mass=mass, complete=column.name in complete or column.name == label))
        if closed:
            domains.append(_domain(column))
    return "\n".join([*blocks, *domains]).rstrip("\n") + "\n"


def feature(column: Column, *, mass: float | None, complete: bool) -> str:
    """Write one column: type, presence, and a range or domain if it has a natural one.

    Args:
        column: Statistics of the column.
        mass: Share of the values that must be in the domain; None for no domain.
        complete: Whether rows with null in this column are dropped.
    """
    lines = [f"  name: {quote(column.name)}", f"  type: {column.kind}"]
    if complete or not column.missing:
        lines += ["  presence { min_fraction: 1.0 min_count: 1 }", "  shape { dim { size: 1 } }"]
    else:
        fraction, count = presence(column)
        share = (
            f"{column.missing_share:.1%}" if column.missing_share >= 0.001 else f"{column.missing:,} of {column.rows:,}"
        )
        lines += [
            f"  # {share} missing",
            f"  presence {{ min_fraction: {fraction:g} min_count: {count} }}",
            "  value_count { min: 1 max: 1 }",
        ]
    lines += _range(column)
    if mass is not None:
        lines.append(f"  domain: {quote(column.name)}")
    if mass is not None and mass < 1:
        lines.append(f"  distribution_constraints {{ min_domain_mass: {mass:g} }}")
    return "\n".join(["feature {", *lines, "}"])


def presence(column: Column) -> tuple[float, int]:
    """Return the minimum share and number of rows with a value: the measured ones, less a quarter and sampling error.

    The sampling error is three standard deviations in a split of a tenth of the rows.
    """
    share = 1.0 - column.missing_share
    rows = max(1.0, column.rows / 10)
    slack = max(0.02, 0.25 * column.missing_share) + 3 * math.sqrt(share * (1 - share) / rows)
    fraction = math.floor(max(0.0, share - slack) * 100) / 100
    # A nearly empty column may be null in all rows of a split.
    return (fraction, 1) if fraction > 0 else (0.0, 0)


def _range(column: Column) -> list[str]:
    """Write a range only if it is natural: non-negative values, or a flag of 0 and 1."""
    numbers = column.numbers
    if numbers is None or numbers.low < 0:
        return []
    if column.kind == "FLOAT":
        return ["  float_domain { min: 0 }"]
    return ["  int_domain { min: 0 max: 1 }" if numbers.high == 1 and numbers.low == 0 else "  int_domain { min: 0 }"]


def _domain(column: Column) -> str:
    values = sorted(value for value, _ in column.top[: column.distinct])
    return "\n".join(
        ["string_domain {", f"  name: {quote(column.name)}", *(f"  value: {quote(value)}" for value in values), "}", ""]
    )


def quote(text: str) -> str:
    """Quote a string for protobuf's text format."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return '"' + "".join(char if char.isprintable() else _octal(char) for char in escaped) + '"'


def _octal(char: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "replace"))
