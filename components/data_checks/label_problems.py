"""Messages about labels and weights that cannot be learned, shared by gates, `new`, preflight and `schema diff`."""

import json
import math
import re
from collections.abc import Sequence

from spec.columns.label import ABOVE, Label

NAMED = 5
"""Values that a message names."""


def unlisted(label: Label, values: Sequence[str], rows: str) -> str:
    """Describe values that label.classes does not list.

    Args:
        label: [label].
        values: The values.
        rows: Number of rows with one of them, such as "3 of 6 rows".
    """
    listed = ", ".join(map(repr, values[:NAMED])) + _more(values)
    effect = "would have no class" if label.positive is None else f"would count as {(label.names or ('',))[0]!r}"
    return f"{rows} have the value {listed}, which is not in label.classes, and {effect}"


def accepting(label: Label, values: Sequence[str], schema: str, *, domain: bool, texts: bool) -> str:
    """Return the edits that accept new values, and the one that skips their rows.

    Args:
        label: [label].
        values: The values.
        schema: Path of the approved schema.
        domain: Whether the schema lists the label's values too.
        texts: Whether the label's column is text, not a number.
    """
    listed = ", ".join(json.dumps(value, ensure_ascii=False) for value in values[:NAMED]) + _more(values)
    edits = [f"add {listed} to label.classes in the config"] if label.classes else []
    if label.kind == "binary":
        edits = [f'write label.task = "classes" without label.positive, and {edits[0]}'] if edits else []
    if domain:
        entries = " ".join(f"value: {json.dumps(value, ensure_ascii=False)}" for value in values[:NAMED])
        edits.append(f"add {entries}{_more(values)} to the string_domain of {label.column!r} in {schema}")
    column = _in_expression(label.column)
    condition = " or ".join(f"{column} = '{value}'" if texts else f"{column} = {value}" for value in values[:NAMED])
    return f'{" and ".join(edits)}; or skip such rows with data.exclude = ["{condition}"]'


def _more(values: Sequence[str]) -> str:
    return f" and {len(values) - NAMED} more" if len(values) > NAMED else ""


def _in_expression(column: str | None) -> str:
    """Return a column as data.exclude names it."""
    return str(column) if re.fullmatch(r"[A-Za-z_]\w*", str(column)) else f"`{column}`"


def contradicted(rows: int, total: int, best: int, note: str = "") -> str:
    """Describe rows with equal features but different labels.

    Args:
        rows: Number of rows whose label contradicts an equal row.
        total: Number of all rows.
        best: Number of rows that the best possible model predicts correctly.
        note: Text to insert after the shares.
    """
    return (
        f"{rows:,} of {total:,} rows ({100 * rows / total:.4g} %) have equal features but different labels{note}: "
        f"no model can predict more than {100 * best / total:.4g} % of all rows correctly"
    )


def untransformed(label: Label, smallest: float) -> tuple[str, str]:
    """Describe labels that label.transform cannot transform, and the edit that fixes it; both empty if it can.

    Args:
        label: [label].
        smallest: The smallest label.
    """
    above = ABOVE.get(label.transform)
    if above is None or smallest > above:
        return "", ""
    transforms = " or ".join(f'"{name}"' for name in ("log1p", "signed_log") if smallest > ABOVE.get(name, -math.inf))
    return (
        f'contains {smallest:g}, but label.transform = "{label.transform}" requires numbers above {above:g}',
        f"label.transform = {transforms} in the config; or skip such rows with "
        f'data.exclude = ["{_in_expression(label.column)} <= {above:g}"]',
    )


def weightless(column: str) -> str:
    """Describe a weight column that is 0 in every row."""
    return f"the weight column {column!r} is 0 in every row, so no row counts: fix it, or remove columns.weight"


def negative_weight(column: str, smallest: float) -> tuple[str, str]:
    """Describe weights below 0, and the edit that skips their rows; both empty if there are none.

    Args:
        column: The weight column.
        smallest: The smallest weight.
    """
    if not smallest < 0:
        return "", ""
    return (
        f"contains {smallest:g}, but a weight must be a number of 0 or more",
        f'fix it, or skip such rows with data.exclude = ["{_in_expression(column)} < 0"]',
    )
