"""Labels that cannot be learned, in words: one text for gates, `new`, checks before a run and `schema diff`."""

import json
import math
import re
from collections.abc import Sequence

from spec.columns.label import ABOVE, Label

NAMED = 5
"""Values that a sentence names."""


def unlisted(role: Label, others: Sequence[str], rows: str) -> str:
    """A sentence on values that label.classes does not list.

    Args:
        role: [label].
        others: The values.
        rows: How many rows have one of them, in words.
    """
    named = ", ".join(map(repr, others[:NAMED])) + _more(others)
    become = "would have no class" if role.positive is None else f"would count as {(role.names or ('',))[0]!r}"
    return f"{rows} hold {named}, which label.classes does not list, and {become}"


def accepting(role: Label, others: Sequence[str], schema: str, *, domain: bool, texts: bool) -> str:
    """The edits that take new values in, and the one that leaves their rows out.

    Args:
        role: [label].
        others: The values.
        schema: The reviewed schema's path.
        domain: Whether the schema lists the label's values too.
        texts: Whether the label's column holds texts, not numbers.
    """
    named = ", ".join(json.dumps(name, ensure_ascii=False) for name in others[:NAMED]) + _more(others)
    edits = [f"add {named} to label.classes in the config"] if role.classes else []
    if role.task == "binary":
        edits = [f'write label.task = "classes" without label.positive, and {edits[0]}'] if edits else []
    if domain:
        values = " ".join(f"value: {json.dumps(name, ensure_ascii=False)}" for name in others[:NAMED]) + _more(others)
        edits.append(f"add {values} to the string_domain of {role.column!r} in {schema}")
    column = str(role.column) if re.fullmatch(r"[A-Za-z_]\w*", str(role.column)) else f"`{role.column}`"
    out = " or ".join(f"{column} = '{name}'" if texts else f"{column} = {name}" for name in others[:NAMED])
    return f'{" and ".join(edits)}; or leave such rows out by data.exclude = ["{out}"]'


def _more(others: Sequence[str]) -> str:
    return f" and {len(others) - NAMED} more" if len(others) > NAMED else ""


def contradicted(part: int, whole: int, right: int, shown: str = "") -> str:
    """A sentence on rows that are equal but for their label.

    Args:
        part: Their number.
        whole: All rows.
        right: Rows that the best answers are right for.
        shown: Some of them, as the end of a phrase.
    """
    return (
        f"{part:,} of {whole:,} rows ({100 * part / whole:.4g} %) are equal but for their label{shown}: at most one "
        f"label of each can be right, {100 * right / whole:.4g} % of all rows at best"
    )


def untransformed(role: Label, lowest: float) -> tuple[str, str]:
    """A sentence on numbers that label.transform does not take, and the edit that mends it; empty where it takes all.

    Args:
        role: [label].
        lowest: The smallest label.
    """
    above = ABOVE.get(role.transform)
    if above is None or lowest > above:
        return "", ""
    others = " or ".join(f'"{name}"' for name in ("log1p", "signed_log") if lowest > ABOVE.get(name, -math.inf))
    column = str(role.column) if re.fullmatch(r"[A-Za-z_]\w*", str(role.column)) else f"`{role.column}`"
    return (
        f'holds {lowest:g}, and label.transform = "{role.transform}" needs numbers above {above:g}',
        f'label.transform = {others} in the config; or leave such rows out by data.exclude = ["{column} <= {above:g}"]',
    )


def weightless(column: str) -> str:
    """A sentence on a column of weights that are all 0."""
    return f"the weight {column!r} is 0 in every row: there is nothing to learn from"
