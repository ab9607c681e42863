"""Choice of split shares by the number of rows, and by the rows of the rarer of two classes."""

import math

from curation.propose.choices import Line
from curation.propose.label_choice import LabelChoice
from spec.rows.data_paths import SPLITS

MIN_DIVIDED = 30
"""Rows below which a table is not divided."""
FEW_ROWS = 2000
"""Rows below which a tenth is too small a test split."""
ENOUGH_OF_CLASS = 50
"""Rows of the rarer class that each split should have."""
RARE = 0.2
"""Share of the rarer class from which thirds are never proposed: such a table is small, and needs its rows to train."""
BLOCKED = 5
"""Rows of the rarer class below which the gate `rare` stops a run."""
SHARES = ((8, 1, 1), (6, 2, 2), (1, 1, 1))
"""Shares of train, eval and test, from the smallest test split to the largest."""
DEVIATIONS = 2.0
"""Standard deviations by which a split by hash is assumed to have fewer rows than its share."""


def split(rows: int, label: LabelChoice) -> Line:
    """Choose the shares: as small a test split as the number of rows and the rarer class allow, thirds if it is rare.

    Args:
        rows: Rows of the table.
        label: The label and its task.
    """
    if rows < MIN_DIVIDED:
        return Line(
            "split",
            "all",
            f"{rows} rows are too few to divide: every row is in every split, so metrics do not show how the "
            f"model generalizes",
        )
    if rows < FEW_ROWS:
        shares, why = (6, 2, 2), f"{rows:,} rows: a fifth each for eval and test, so that metrics are meaningful"
    else:
        shares, why = (8, 1, 1), f"{rows:,} rows: a tenth each for eval and test is enough"
    found = _rarer(label)
    if found is not None:
        name, count = found
        tried = SHARES if count < RARE * rows else SHARES[:-1]
        able = [one for one in tried[tried.index(shares) :] if _fewest(count, one) >= ENOUGH]
        if able and able[0] != shares:
            shares = able[0]
            why = f"{count:,} rows of {name!r}: with these shares each split has {ENOUGH} of them or more"
        elif not able:
            why += f"; {count:,} rows of {name!r} are too few for {ENOUGH} in each split, so its metrics are uncertain"
    train, evaluation, test = shares
    return Line("split", {"by": "hash", "train": train, "eval": evaluation, "test": test}, why)


def tested(rows: int, split_line: Line) -> float:
    """Return the expected number of rows of the test split.

    Args:
        rows: Rows of the table.
        split_line: The line of the split.
    """
    if not isinstance(split_line.value, dict):
        return rows / (5 if rows < FEW_ROWS else 10)
    train, evaluation, test = (int(split_line.value[split]) for split in SPLITS)
    return rows * test / (train + evaluation + test)


def gates(label: LabelChoice, split_line: Line) -> tuple[Line, ...]:
    """Propose that the gate `rare` only warns if there are too few rows, because the first run would be blocked."""
    rarer_class = _rarer(label)
    if rarer_class is None or not isinstance(split_line.value, dict):
        return ()
    name, count = rarer_class
    if _fewest(count, tuple(split_line.value[split] for split in SPLITS)) >= BLOCKED:
        return ()
    why = f"{count:,} rows of {name!r}: too few to judge a model by, so do not trust its metrics; get more of them"
    return (Line("rare", "warn", why),)


def _rarer(label: LabelChoice) -> tuple[str, int] | None:
    """Return name and rows of the rarer of two classes; None if there are not two."""
    top = label.column.top
    if label.task != "binary" or len(top) != 2:
        return None
    name, rows = min(top, key=lambda entry: entry[1])
    return str(name), int(rows)


def _fewest(count: int, shares: tuple[int, ...]) -> float:
    """Return the number of `count` rows that the smallest split is assumed to have at least."""
    share = min(shares) / sum(shares)
    return count * share - DEVIATIONS * math.sqrt(count * share * (1 - share))
