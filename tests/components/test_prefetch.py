import threading
from typing import Any

import pytest

from components.prefetch import prefetch
from tests import processes


def test_all_items_are_prefetched_in_order():
    assert list(prefetch(iter(range(100)))) == list(range(100))
    assert list(prefetch([])) == []
    assert list(prefetch([None, False])) == [None, False]


def test_the_next_item_is_computed_during_the_caller_s_work():
    computed = threading.Semaphore(0)

    def items():
        for number in range(3):
            computed.release()
            yield number

    number = None
    for number in prefetch(items()):
        # Would time out if the next item were computed only on request.
        for _ in range(1 + (number == 0) if number < 2 else 0):
            assert computed.acquire(timeout=processes.WAIT)
    assert number == 2


def test_an_error_is_raised_at_the_position_of_its_item():
    def items():
        yield 1
        raise ValueError("bad block")

    items_ahead = prefetch(items())
    assert next(items_ahead) == 1
    with pytest.raises(ValueError, match="bad block"):
        next(items_ahead)


def test_closing_the_iterator_ends_its_thread():
    used = set()

    def items():
        for number in range(10):
            used.add(threading.current_thread())
            yield number

    items_ahead: Any = prefetch(items())
    next(items_ahead)
    items_ahead.close()
    [thread] = used
    assert thread is not threading.current_thread()
    assert not thread.is_alive()
