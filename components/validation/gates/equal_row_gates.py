"""The gates on rows that are equal: on both sides of a split, or under several labels."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from components.data_checks import label_problems
from components.ingestion import planning
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.rows import row_profile
from components.validation.gate_context import TRAIN, Today
from components.validation.gate_findings import Finding, Predicate, loosened, share
from spec.columns.label import CLASSED

PAIRS = 3
"""Rows on both sides of a split that are named."""
_DIVIDE = 'divide by what such rows share: data.split = {by = "hash", column = COLUMN}'


def duplicates(today: Today) -> Iterator[Finding]:
    """Rows of eval and test that train has too."""
    gate, source = today.gate("duplicates"), IngestionSettings.model_validate(today.settings["source"])
    others = [split for split in today.digests if split != TRAIN]
    if TRAIN not in today.digests or not others or not planning.divided(source, planning.added(source)):
        return
    train = np.sort(today.digests[TRAIN])
    held = {split: _within(today.digests[split], train) for split in others}
    part, whole = sum(int(one.sum()) for one in held.values()), sum(map(len, held.values()))
    if whole and part > gate["max_share"] * whole:
        twice = np.unique(np.concatenate([today.digests[split][held[split]] for split in others]))
        counts = ", ".join(f"{int(one.sum()):,} of {split}" for split, one in held.items())
        yield Finding(
            "duplicates",
            None,
            gate["max_share"],
            part / whole,
            today.action("duplicates"),
            f"{part:,} of {whole:,} rows of {' and '.join(others)} ({share(part, whole)}) are in train too ({counts}), "
            f"above the limit of {gate['max_share']:g}: the metrics would flatter the model{_pairs(today, twice)}",
            edit="; or ".join(filter(None, [loosened("gates.duplicates.max_share", part / whole, ""), _DIVIDE])),
            splits=others,
            at_fault=_same(twice, planning.naming(source, planning.added(source))),
        )


def contradictions(today: Today) -> Iterator[Finding]:
    """Rows that are equal but for their label."""
    gate, label = today.gate("contradictions"), today.settings["label"]
    source = IngestionSettings.model_validate(today.settings["source"])
    # With data.split = "all" each row is in every split.
    splits = [split for split in today.features if split == TRAIN or source.data.split.by != "all"]
    if label["task"] not in CLASSED or not splits or _joined(today, label):
        return
    features, digests = (np.concatenate([each[split] for split in splits]) for each in (today.features, today.digests))
    if not len(features):
        return
    # Of each group of equal features, the rows where not all digests are equal.
    _, group = np.unique(features, return_inverse=True)
    order = np.lexsort((digests, group))
    ends = np.flatnonzero(np.diff(group[order], prepend=-1))
    several = np.maximum.reduceat(digests[order], ends) != np.minimum.reduceat(digests[order], ends)
    bad = several[group]
    part, whole = int(bad.sum()), len(features)
    if part > gate["max_share"] * whole:
        right = _at_best(group[order], digests[order])
        names = [name for split in splits for name in today.names.get(split, [])]
        first = np.flatnonzero(group == group[np.flatnonzero(bad)[0]])
        shown = f", such as {', '.join(repr(names[row]) for row in first[:PAIRS])}" if len(names) == whole else ""
        skip = (*planning.naming(source, planning.added(source)), label["column"])
        yield Finding(
            "contradictions",
            None,
            gate["max_share"],
            part / whole,
            today.action("contradictions"),
            label_problems.contradicted(part, whole, right, f"{shown}, above the limit of {gate['max_share']:g}"),
            edit=loosened(
                "gates.contradictions.max_share", part / whole, "add a column to [features] that tells them apart"
            ),
            splits=[split for split in splits if np.isin(today.features[split], features[bad]).any()],
            at_fault=_same(np.unique(features[bad]), skip),
        )


def _joined(today: Today, label: Mapping[str, Any]) -> bool:
    """Whether several values of the label's column are one class, so that other values are no other class."""
    values = {value for facts in today.facts.values() for value in facts.labels or ()}
    cut = label["threshold"] is not None or label["tiers"] is not None
    return cut or (label["positive"] is not None and len(values) > 2)


def _at_best(group: Any, digests: Any) -> int:
    """Rows that the best answer to each group is right for: those of its most frequent label.

    Args:
        group: int (n,), rising: the group of each row.
        digests: uint64 (n,), rising within a group: equal for equal labels.
    """
    starts = np.flatnonzero((np.diff(group, prepend=-1) != 0) | (np.diff(digests, prepend=digests[:1]) != 0))
    rows = np.diff(starts, append=len(group))
    return int(np.maximum.reduceat(rows, np.flatnonzero(np.diff(group[starts], prepend=-1))).sum())


def _pairs(today: Today, twice: Any) -> str:
    """The first names of rows that are on both sides, as the end of a sentence."""
    shown = []
    for digest in twice[:PAIRS]:
        called = {
            split: names[int(np.flatnonzero(today.digests[split] == digest)[0])]
            for split, names in today.names.items()
            if (today.digests[split] == digest).any()
        }
        if called:
            shown.append(" and ".join(f"{name!r} of {split}" for split, name in called.items()))
    return f"; equal are {'; '.join(shown)}{'; and others' if len(twice) > PAIRS else ''}" if shown else ""


def _within(digests: Any, known: Any) -> Any:
    """Which digests are among sorted ones, in about half the time of numpy's `isin`, which sorts both."""
    places = np.minimum(np.searchsorted(known, digests), max(len(known) - 1, 0))
    return known[places] == digests if len(known) else np.zeros(len(digests), bool)


def _same(digests: Any, skip: tuple[str | None, ...]) -> Predicate:
    return lambda batch: pa.array(_within(row_profile.digests(batch, skip), digests))
