"""Count what a command or page reads from ML Metadata: calls and bytes of responses, the same on every machine."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml_metadata import MetadataStore

MOST_CALLS = 100
MOST_BYTES = 800_000
"""Limits of a page on a thousand runs, about a third above what the largest one read when they were set."""


@dataclass
class Reads:
    """Reads of one or several stores.

    Attributes:
        calls: Number of calls.
        size: Bytes of their responses.
    """

    calls: int = 0
    size: int = 0


@contextlib.contextmanager
def counted() -> Iterator[Reads]:
    """Yield the reads of all stores of this process until the end of the block."""
    reads, call = Reads(), MetadataStore._call

    def counting(store: MetadataStore, method: str, request: Any, response: Any, *options: Any) -> None:
        call(store, method, request, response, *options)
        reads.calls, reads.size = reads.calls + 1, reads.size + response.ByteSize()

    MetadataStore._call = counting
    try:
        yield reads
    finally:
        MetadataStore._call = call
