"""Prefetching of one item in a background thread."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
_END: Any = object()


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """Prefetch one item in a background thread, in order.

    This is faster only if the iteration releases the GIL, as Arrow's readers do.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, iterator, _END)
        while (item := following.result()) is not _END:
            following = thread.submit(next, iterator, _END)
            yield item
