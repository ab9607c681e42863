"""Gate on rows of eval and test that train contains."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from components.validation.gate_context import TRAIN, Digests, GateContext
from components.validation.gate_findings import Finding, percent, raise_limit
from spec.gates import GateSettings, Share

NAMED = 3
"""Pairs of equal rows that a message names."""
_SPLIT_BY_HASH = 'split by what such rows share: data.split = {by = "hash", column = COLUMN}'


class Settings(GateSettings):
    """Rows of eval and test that also occur in train, ignoring columns that only identify a row or its split."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    max_share: Share = 0.01
    """Largest share of the rows of eval and test."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the share of rows of eval and test that are in train with the limit."""
    # It imports pandas.
    from components.validation import equal_rows

    digests = context.digests
    splits = [split for split in digests if split != TRAIN]
    if TRAIN not in digests or not splits or not equal_rows.are_split(context.ingestion):
        return
    train = np.sort(digests[TRAIN])
    is_copy = {split: equal_rows.contains(train, digests[split]) for split in splits}
    copies, total = sum(int(mask.sum()) for mask in is_copy.values()), sum(map(len, is_copy.values()))
    if not total or copies <= settings.max_share * total:
        return
    equal = np.unique(np.concatenate([digests[split][is_copy[split]] for split in splits]))
    counts = ", ".join(f"{int(mask.sum()):,} of {split}" for split, mask in is_copy.items())
    yield Finding(
        None,
        settings.max_share,
        copies / total,
        f"{copies:,} of {total:,} rows of {' and '.join(splits)} ({percent(copies, total)}) are in train too ({counts})"
        f", above the limit of {settings.max_share:g}, so that metrics are too optimistic{_pairs(context, equal)}",
        edit="; or ".join(
            filter(None, [raise_limit("gates.duplicates.max_share", copies / total, ""), _SPLIT_BY_HASH])
        ),
        splits=splits,
        at_fault=equal_rows.has_digest(equal, equal_rows.identifying_columns(context.ingestion)),
    )


def _pairs(context: GateContext, digests: Digests) -> str:
    """Return the names of the first pairs of equal rows, as the end of a sentence."""
    equal_rows = []
    for digest in digests[:NAMED]:
        name_of: dict[str, Any] = {
            split: names[int(np.flatnonzero(context.digests[split] == digest)[0])]
            for split, names in context.names.items()
            if (context.digests[split] == digest).any()
        }
        if name_of:
            equal_rows.append(" and ".join(f"{name!r} of {split}" for split, name in name_of.items()))
    return (
        f"; equal rows: {'; '.join(equal_rows)}{'; and others' if len(digests) > NAMED else ''}" if equal_rows else ""
    )
