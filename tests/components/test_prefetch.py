import threading
from typing import Any

import pytest

from components.prefetch import prefetch


def test_items_come_in_order_and_all():
    assert list(prefetch(iter(range(100)))) == list(range(100))
    assert list(prefetch([])) == []
    assert list(prefetch([None, False])) == [None, False]


def test_the_next_item_is_made_while_the_caller_works():
    made = threading.Semaphore(0)

    def items():
        for number in range(3):
            made.release()
            yield number

    for number in prefetch(items()):
        # Would wait for ever were this item's follower made after it.
        for _ in range(1 + (number == 0) if number < 2 else 0):
            assert made.acquire(timeout=10)


def test_an_error_comes_where_its_item_would():
    def items():
        yield 1
        raise ValueError("bad block")

    found = prefetch(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="bad block"):
        next(found)


def test_a_caller_that_stops_leaves_no_thread():
    before = threading.active_count()
    found: Any = prefetch(iter(range(10)))
    next(found)
    found.close()
    assert threading.active_count() == before
