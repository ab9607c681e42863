"""A hash split stratified by the label: labels with few rows are divided by the order of their hashes.

The hash of a row decides its split as in stock TFX, unless its label has too few rows in some split there. The rows of
such a label are sorted by their hashes and cut according to the shares. Equal rows stay together, and rows of all
other labels keep their split.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SHOWN = 5
"""Number of labels that a remark names."""
Array = np.ndarray[Any, Any]
Cuts = Mapping[str, tuple[int, ...]]
"""Label -> the hashes at which all splits but the first start."""


Hashed = tuple[list[str], Array, Array, Array]
"""Rows of a batch: the distinct labels; of each row the place of its label there, int64 (rows,), the number of the
split that its hash decides, int64 (rows,), and its hash, uint64 (rows,)."""


@dataclass(frozen=True)
class Strata:
    """Labels that are divided by the order of their hashes.

    Attributes:
        label: Column of the label.
        cuts: Where each of them is cut.
    """

    label: str
    cuts: Cuts


@dataclass
class _Seen:
    """Rows of one label: how many the hash puts into each split, and their hashes until each has enough."""

    counts: Array
    hashes: list[Array] = field(default_factory=list)


def cuts(batches: Iterable[Hashed], shares: Mapping[str, int], least: int) -> Cuts:
    """Return the cuts of the labels that have too few rows in some split.

    Hashes of labels with enough rows are discarded, so that memory does not grow with the number of rows.

    Args:
        batches: Rows.
        shares: Split name -> its share, in order.
        least: Rows of a label that are enough for a split.
    """
    labels_seen: dict[str, _Seen] = {}
    for names, labels, splits, hashes in batches:
        for label in np.unique(labels):
            has_label = labels == label
            entry = labels_seen.setdefault(names[label], _Seen(np.zeros(len(shares), np.int64)))
            entry.counts += np.bincount(splits[has_label], minlength=len(shares))
            if entry.counts.min() >= least:
                entry.hashes.clear()
            else:
                entry.hashes.append(hashes[has_label])
    return {
        name: _cut(np.sort(np.concatenate(entry.hashes)), shares)
        for name, entry in labels_seen.items()
        if entry.counts.min() < least
    }


def _cut(hashes: Array, shares: Mapping[str, int]) -> tuple[int, ...]:
    """Cut sorted hashes by the shares, with at least one row for each split if there are enough rows."""
    ends = np.cumsum(list(shares.values()))[:-1] / sum(shares.values())
    positions = np.rint(len(hashes) * ends).astype(np.int64)
    for number in range(len(positions)):
        lowest = number + 1
        highest = len(hashes) - (len(positions) - number)
        positions[number] = (
            max(min(positions[number], highest), lowest) if highest >= lowest else min(lowest, len(hashes) - 1)
        )
    return tuple(int(hashes[position]) for position in positions)


def notes(cut: Cuts, least: int) -> list[str]:
    """Return a note that names the labels with cuts; an empty list if there are none.

    Args:
        cut: The cuts of `cuts`.
        least: Rows of a label that are enough for a split.
    """
    if not cut:
        return []
    listed_labels = ", ".join(repr(name) for name in list(cut)[:SHOWN]) + (", ..." if len(cut) > SHOWN else "")
    return [f"rows of {listed_labels} are divided by their shares: the hash gives some split fewer than {least}"]


def reassigned(splits: Array, names: list[str], labels: Array, hashes: Array, cut: Cuts) -> Array:
    """Return the number of each row's split; arguments as of `cuts`, for one batch.

    Args:
        splits: Number of the split that the hash assigns to each row.
        names: Names of the labels.
        labels: Place of each row's label.
        hashes: Hash of each row.
        cut: The cuts of `cuts`.
    """
    splits = splits.copy()
    for position, name in enumerate(names):
        if name in cut:
            has_label = labels == position
            splits[has_label] = np.searchsorted(np.array(cut[name], np.uint64), hashes[has_label], "right")
    return splits
