"""Gate on equal rows with different labels."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from components.data_checks import label_problems
from components.validation.gate_context import TRAIN, Digests, GateContext
from components.validation.gate_findings import Finding, raise_limit
from spec.columns.label import CLASSED
from spec.gates import GateSettings, Share

NAMED = 3
"""Rows that a message names."""


class Settings(GateSettings):
    """Rows with equal features but different labels."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    max_share: Share = 0.0
    """Largest share of the rows of all splits."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the share of rows that contradict an equal row with the limit."""
    # It imports pandas.
    from components.validation import equal_rows

    # With data.split = "all" each row is in every split.
    splits = [split for split in context.features if split == TRAIN or context.split_by != "all"]
    if context.label.kind not in CLASSED or not splits or _merges_values(context):
        return
    features, labels = (
        np.concatenate([arrays[split] for split in splits]) for arrays in (context.features, context.labels)
    )
    total = len(features)
    if not total:
        return
    # Mark the groups of equal features whose labels differ.
    _, group = np.unique(features, return_inverse=True)
    order = np.lexsort((labels, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    differs = np.maximum.reduceat(labels[order], starts) != np.minimum.reduceat(labels[order], starts)
    contradicts = differs[group]
    rows = int(contradicts.sum())
    if rows <= settings.max_share * total:
        return
    names = [name for split in splits for name in context.names.get(split, [])]
    example_rows = np.flatnonzero(group == group[np.flatnonzero(contradicts)[0]])
    example = f", such as {', '.join(repr(names[row]) for row in example_rows[:NAMED])}" if len(names) == total else ""
    source = context.ingestion
    skip = (*equal_rows.identifying_columns(source), context.label.column, *source.unread)
    separate = "add a column to [features] that distinguishes such rows"
    yield Finding(
        None,
        settings.max_share,
        rows / total,
        label_problems.contradicted(
            rows,
            total,
            _best_case(group[order], labels[order]),
            f"{example}, above the limit of {settings.max_share:g}",
        ),
        edit=raise_limit("gates.contradictions.max_share", rows / total, separate),
        splits=[split for split in splits if np.isin(context.features[split], features[contradicts]).any()],
        at_fault=equal_rows.has_digest(np.unique(features[contradicts]), skip),
    )


def _merges_values(context: GateContext) -> bool:
    """Return whether several values of the label are one class, so that different values are no contradiction."""
    label = context.label
    values = {value for facts in context.facts.values() for value in facts.labels or ()}
    is_cut = label.threshold is not None or label.tiers is not None
    return is_cut or (label.positive is not None and len(values) > 2)


def _best_case(group: Any, labels: Digests) -> int:
    """Count the rows that are right if each group is predicted as its most frequent label.

    Args:
        group: int (n,), ascending: the group of each row.
        labels: uint64 (n,), ascending within a group: digests of the labels.
    """
    starts = np.flatnonzero((np.diff(group, prepend=-1) != 0) | (np.diff(labels, prepend=labels[:1]) != 0))
    rows = np.diff(starts, append=len(group))
    return int(np.maximum.reduceat(rows, np.flatnonzero(np.diff(group[starts], prepend=-1))).sum())
