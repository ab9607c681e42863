"""How data differs from a reviewed schema, in sentences: one text for a run's gate and for `schema diff`."""

from collections.abc import Iterable, Sequence

from spec.cells.cleaning import folded

NAMED = 5
"""New values that a sentence names."""

GONE = "the data has no such column"
EMPTY = "every cell is missing"


def new_column(kind: str) -> str:
    """A column that the schema does not name.

    Args:
        kind: Its type: INT, FLOAT or BYTES.
    """
    return f"a new column ({kind}), which the schema does not name"


def other_type(approved: str, kind: str, example: str = "") -> str:
    """Cells of another type than the schema's.

    Args:
        approved: The schema's type.
        kind: The data's.
        example: A cell, as the end of the sentence; empty where none is at hand.
    """
    return f"the schema says {approved}, the data holds {kind}{f': {example}' if example else ''}"


def missing(share: float, least: float) -> str:
    """More missing cells than allowed.

    Args:
        share: Share of the rows without a value.
        least: Share that must have one.
    """
    return f"{_percent(share)} missing, the schema allows {_percent(1 - least)}"


def beyond(limit: float, value: float, *, above: bool, rows: int | None = None) -> str:
    """Numbers outside of their range.

    Args:
        limit: Its end.
        value: The number furthest beyond it.
        above: Which end.
        rows: How many numbers; None where they were not counted.
    """
    values = "values" if rows is None else f"{rows:,} value{'s' if rows != 1 else ''}"
    return f"{values} {'above' if above else 'below'} {limit:g}, as {value:g}"


def new_values(counts: Sequence[tuple[str, float]], whole: float, mass: float, known: Iterable[str] = ()) -> str:
    """Values that a domain does not name.

    Args:
        counts: Value and its rows, the most frequent first.
        whole: Rows with a value.
        mass: Share of them that the domain must cover.
        known: Values of the domain.
    """
    named = ", ".join(f"{value!r} {_percent(rows / whole)}" for value, rows in counts[:NAMED])
    more = f" and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
    part = sum(rows for _, rows in counts)
    together = f"{part:,.0f} of {whole:,.0f} rows ({_percent(part / whole)})"
    head = f"{len(counts)} new value{'s' if len(counts) != 1 else ''}"
    text = f"{head}: {named}{more}; together {together}, the schema allows {_percent(1 - mass)}"
    return text + spelled_otherwise([value for value, _ in counts], known)


def spelled_otherwise(values: Iterable[str], known: Iterable[str]) -> str:
    """A new value that is a known one in another spelling, as the end of a sentence; empty where none is."""
    by_fold = {folded(value.strip()): value for value in known}
    for value in values:
        other = by_fold.get(folded(value.strip()))
        if other is not None:
            return f"; {value!r} differs from {other!r} by case alone: data.fold_case makes them one"
    return ""


def _percent(share: float) -> str:
    """A share in per cent with two digits; what is neither none nor all is not rounded to it."""
    text = f"{share:.2%}"
    if text == "0.00%" and share > 0:
        return "under 0.01%"
    return "over 99.99%" if text == "100.00%" and share < 1 else text
