"""Detection of the few strings in a column of numbers that are not numbers: most of them mean null."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from curation.propose import config_text

MAX_TOKENS = 2
"""Largest number of distinct strings beside the numbers of a column."""
MAX_SHARE = 0.5
"""Largest share of the cells in which a word surely means null; a sign such as `-` does in any share."""
MIN_NUMBERS = 3
"""Smallest number of distinct numbers beside tokens."""
MANY_NUMBERS = 10
"""Number of distinct numbers from which a word in most of the cells is named."""
MAX_LENGTH = 12
"""Largest number of characters of a token."""
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_SIGNS = r"^[^\pL\pN]+$"


@dataclass
class OddTokens:
    """Strings among numbers.

    Attributes:
        null: Strings that mean null.
        unsure: Column -> words in most of its cells, and their number of rows.
    """

    null: list[str] = field(default_factory=list)
    unsure: dict[str, dict[str, int]] = field(default_factory=dict)


def find(table: pa.Table) -> OddTokens:
    """Find strings among numbers, at most MAX_TOKENS per column.

    Args:
        table: Cells as strings.
    """
    tokens, null = OddTokens(), dict[str, None]()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not pa.types.is_string(column.type):
            continue
        counts = pc.value_counts(column.drop_null())
        values = counts.field(0)
        odd = values.filter(pc.invert(pc.match_substring_regex(values, _NUMBER)))
        numbers = len(values) - len(odd)
        if not 0 < len(odd) <= MAX_TOKENS or numbers < MIN_NUMBERS or pc.max(pc.utf8_length(odd)).as_py() > MAX_LENGTH:
            continue
        rows = dict(zip(values.to_pylist(), counts.field(1).to_pylist(), strict=True))
        odd_rows = {text: rows[text] for text in odd.to_pylist()}
        if sum(odd_rows.values()) <= MAX_SHARE * sum(rows.values()):
            null |= dict.fromkeys(odd_rows)
            continue
        signs = odd.filter(pc.match_substring_regex(odd, _SIGNS)).to_pylist()
        null |= dict.fromkeys(signs)
        if len(signs) < len(odd) and numbers >= MANY_NUMBERS:
            tokens.unsure[name] = {text: count for text, count in odd_rows.items() if text not in signs}
    tokens.null = list(null)
    return tokens


def findings(unsure: Mapping[str, Mapping[str, int]], rows: int) -> list[str]:
    """Name columns that are text because of a word in most of their cells.

    Args:
        unsure: Column -> words and their number of rows.
        rows: Number of rows of the table.
    """
    return [_finding(name, words, rows) for name, words in unsure.items()]


def _finding(name: str, words: Mapping[str, int], rows: int) -> str:
    listed = " and ".join(map(repr, words))
    return (
        f"{name} holds numbers, and {listed} in {sum(words.values()):,} of {rows:,} cells, so it is read as text: if "
        f"{listed} means null, set data.column_null_values = {config_text.toml({name: list(words)})}"
    )
