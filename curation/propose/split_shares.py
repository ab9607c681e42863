"""Choice of the shares of the splits by the number of rows, and by the rows of the rarer of two classes."""

import math

from curation.propose.choices import Line
from curation.propose.label.label_choice import LabelChoice
from spec.rows.data_paths import SPLITS

FEWEST = 30
"""Rows below which a table is not divided."""
FEW = 2000
"""Rows below which a tenth is too small a test split."""
ENOUGH = 50
"""Rows of the rarer class that each split should have."""
RARE = 0.2
"""Share of the rarer class from which thirds are never proposed: such a table is small, and needs its rows to train."""
BLOCKED = 5
"""Rows of the rarer class below which the gate `rare` stops a run."""
SHARES = ((8, 1, 1), (6, 2, 2), (1, 1, 1))
"""Shares of train, eval and test, from the smallest test split to the largest."""
DEVIATIONS = 2.0
"""Standard deviations by which a split by hash may have fewer rows than its share."""


def split(rows: int, label: LabelChoice, *, together: bool = False) -> Line:
    """Choose the shares: as small a test split as the number of rows and the rarer class allow, thirds if it is rare.

    Args:
        rows: Rows of the table.
        label: The label and its task.
        together: Whether rows with an equal id stay together, so that no label can be divided by itself.
    """
    if rows < FEWEST:
        return Line(
            "split",
            "all",
            f"{rows} rows are too few to divide: every row is in every split, so metrics do not show how the "
            f"model generalizes",
        )
    if rows < FEW:
        shares, reason = (6, 2, 2), f"{rows:,} rows: a fifth each for eval and test, so that metrics are meaningful"
    else:
        shares, reason = (8, 1, 1), f"{rows:,} rows: a tenth each for eval and test is enough"
    keys: dict[str, int] = {}
    rarer_class = _rarer(label)
    if rarer_class is not None and _fewest(rarer_class[1], shares) < ENOUGH:
        name, count = rarer_class
        stratified = not together and "threshold" not in label.keys
        keys = {"stratify": ENOUGH} if stratified else {}
        tried = SHARES if count < RARE * rows else SHARES[:-1]
        sufficient_shares = [
            candidate
            for candidate in tried[tried.index(shares) :]
            if _fewest(count, candidate, stratified=stratified) >= ENOUGH
        ]
        if sufficient_shares:
            shares = sufficient_shares[0]
            reason = f"{count:,} rows of {name!r}: with these shares each split has {ENOUGH} of them or more"
        else:
            reason += (
                f"; {count:,} rows of {name!r} are too few for {ENOUGH} in each split, so its metrics are uncertain"
            )
    train, evaluation, test = shares
    return Line("split", {"by": "hash", **keys, "train": train, "eval": evaluation, "test": test}, reason)


def tested(rows: int, divided: Line) -> float:
    """Return the expected number of rows of the test split.

    Args:
        rows: Rows of the table.
        divided: The line of the split.
    """
    return rows * _share("test", divided) if isinstance(divided.value, dict) else rows / (5 if rows < FEW else 10)


def learned(rows: int, divided: Line) -> float:
    """Return the expected number of rows of the train split; arguments as for `tested`."""
    return rows * _share("train", divided) if isinstance(divided.value, dict) else rows


def _share(name: str, divided: Line) -> float:
    shares = {split: int(divided.value[split]) for split in SPLITS}
    return shares[name] / sum(shares.values())


def gates(label: LabelChoice, divided: Line) -> tuple[Line, ...]:
    """Let the gate `rare` warn instead of block if there are too few rows for it, so that the first run completes."""
    rarer_class = _rarer(label)
    if rarer_class is None or not isinstance(divided.value, dict):
        return ()
    name, count = rarer_class
    shares = tuple(divided.value[split] for split in SPLITS)
    if _fewest(count, shares, stratified="stratify" in divided.value) >= BLOCKED:
        return ()
    reason = f"{count:,} rows of {name!r}: too few to judge a model by, so do not trust its metrics; get more of them"
    return (Line("rare", "warn", reason),)


def _rarer(label: LabelChoice) -> tuple[str, int] | None:
    """Return name and rows of the rarer of two classes; None if there are not two."""
    top = label.column.top
    if label.task != "binary" or len(top) != 2:
        return None
    name, rows = min(top, key=lambda entry: entry[1])
    return str(name), int(rows)


def _fewest(count: int, shares: tuple[int, ...], *, stratified: bool = False) -> float:
    """Return how many of `count` rows the smallest split has, at least, in all but a few hashes."""
    share = min(shares) / sum(shares)
    if stratified:
        return count * share
    return count * share - DEVIATIONS * math.sqrt(count * share * (1 - share))
