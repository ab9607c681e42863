"""Work ahead of an iteration in background threads: read its next item, or compute its next results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
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


def map_ahead(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Apply a function to items in background threads, in order.

    This is faster only if the function releases the GIL, as TensorFlow does.

    Args:
        function: Computes the result of an item; it is called in several threads at once.
        items: The items, which are iterated in the caller's thread.
        threads: Number of threads; so many items at most are ahead of the result that the caller works on.
    """
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
