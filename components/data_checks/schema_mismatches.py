"""Messages about differences from an approved schema, shared by the validation stage and `schema diff`."""

from collections.abc import Iterable, Sequence

from spec.cells.cleaning import folded

NAMED = 5
"""New values that a message names."""

GONE = "the column is missing from the data"
EMPTY = "every value is null"


def missing_column(source: str, column: str, renamed: str | None) -> str:
    """Describe a column of the schema that files lack.

    Args:
        source: The files, or "the data".
        column: The column.
        renamed: Probable new name of the column; None if no new column is similar.
    """
    question = f": {column} -> {renamed}? Rename it there, or in config and schema" if renamed else ""
    return f"the column is missing from {source}{question}"


def new_column(kind: str, location: str = "") -> str:
    """Describe a column that is not in the schema.

    Args:
        kind: Type of the column: INT, FLOAT or BYTES.
        location: " in FILE" if only some files have it.
    """
    return f"new column ({kind}){location}, which is not in the schema"


def other_type(approved: str, kind: str, example: str = "") -> str:
    """Describe values of another type than in the schema.

    Args:
        approved: Type in the schema.
        kind: Type in the data.
        example: A value with its row; empty if unknown.
    """
    return f"the schema says {approved}, the data is {kind}{f': {example}' if example else ''}"


def missing(share: float, min_share: float) -> str:
    """Describe more nulls than the schema allows.

    Args:
        share: Share of null rows.
        min_share: Smallest allowed share of rows with a value.
    """
    return f"{_percent(share)} null, the schema allows {_percent(1 - min_share)}"


def beyond(limit: float, value: float, *, above: bool, rows: int | None = None) -> str:
    """Describe numbers outside of their range.

    Args:
        limit: Bound of the range.
        value: The number furthest beyond it.
        above: Whether it is the upper bound.
        rows: Number of values beyond it; None if unknown.
    """
    values = "values" if rows is None else f"{rows:,} value{'s' if rows != 1 else ''}"
    return f"{values} {'above' if above else 'below'} {limit:g}, such as {value:g}"


def new_values(counts: Sequence[tuple[str, float]], total: float, mass: float, known_values: Iterable[str] = ()) -> str:
    """Describe values that are not in a domain.

    Args:
        counts: Value and number of rows, the most frequent first.
        total: Number of rows with a value.
        mass: Share of them that the domain must cover.
        known_values: Values of the domain.
    """
    listed = ", ".join(f"{value!r} {_percent(rows / total)}" for value, rows in counts[:NAMED])
    more = f" and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
    rows = sum(rows for _, rows in counts)
    head = f"{len(counts)} new value{'s' if len(counts) != 1 else ''}"
    together = f"together {rows:,.0f} of {total:,.0f} rows ({_percent(rows / total)})"
    text = f"{head}: {listed}{more}; {together}, the schema allows {_percent(1 - mass)}"
    return text + spelled_otherwise([value for value, _ in counts], known_values)


def spelled_otherwise(values: Iterable[str], known_values: Iterable[str]) -> str:
    """Return a note on the first new value that differs from a known one only by case; empty without such a value."""
    by_fold = {folded(value.strip()): value for value in known_values}
    for value in values:
        match = by_fold.get(folded(value.strip()))
        if match is not None:
            return f"; {value!r} differs from {match!r} only by case: data.fold_case merges them"
    return ""


def _percent(share: float) -> str:
    """Return a share in percent with two decimals; only 0 and 1 become 0 % and 100 %."""
    text = f"{share:.2%}"
    if text == "0.00%" and share > 0:
        return "under 0.01%"
    return "over 99.99%" if text == "100.00%" and share < 1 else text
