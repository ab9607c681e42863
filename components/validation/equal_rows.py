"""Digests of rows, as the gates on duplicates and contradictions compare them."""

from typing import Any

import numpy as np
import pyarrow as pa

from components.ingestion import planning
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.rows import row_profile
from components.validation.gate_context import Digests
from components.validation.gate_findings import Predicate


def are_split(source: IngestionSettings) -> bool:
    """Return whether ingestion divides the rows, so that no row should be in two splits.

    Args:
        source: Settings of the ingestion.
    """
    return planning.divided(source, planning.added(source))


def identifying_columns(source: IngestionSettings) -> tuple[str | None, ...]:
    """Return the columns that only identify a row or its split; digests ignore them.

    Args:
        source: Settings of the ingestion.
    """
    return planning.naming(source, planning.added(source))


def contains(sorted_digests: Digests, digests: Digests) -> Any:
    """Return which digests are among the known ones, bool (n,).

    Takes about half the time of numpy's `isin`, which sorts both.

    Args:
        sorted_digests: uint64 (m,), sorted.
        digests: uint64 (n,).
    """
    positions = np.minimum(np.searchsorted(sorted_digests, digests), max(len(sorted_digests) - 1, 0))
    return sorted_digests[positions] == digests if len(sorted_digests) else np.zeros(len(digests), bool)


def has_digest(sorted_digests: Digests, skip: tuple[str | None, ...]) -> Predicate:
    """Return a function that marks the rows with one of these digests.

    Args:
        sorted_digests: uint64 (m,), sorted.
        skip: Columns that the digests ignore.
    """
    return lambda batch: pa.array(contains(sorted_digests, row_profile.digests(batch, skip)))
