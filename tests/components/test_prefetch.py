import threading
from typing import Any

import pytest

from components.prefetch import map_ahead, prefetch
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


def test_results_have_the_order_of_the_items_whichever_is_computed_first():
    second_done = threading.Event()

    def double(number):
        if number == 1:
            second_done.set()
        if number == 0:  # would time out if one item were computed after the other
            assert second_done.wait(processes.WAIT)
        return 2 * number

    assert list(map_ahead(double, range(5), 2)) == [0, 2, 4, 6, 8]
    assert list(map_ahead(double, [], 2)) == []


def test_no_more_items_than_threads_are_ahead_of_the_result_in_use():
    taken = []

    def items():
        for number in range(10):
            taken.append(number)
            yield number

    results: Any = map_ahead(str, items(), 2)
    for number in range(3):
        assert next(results) == str(number)
        assert taken == list(range(number + 3))
    results.close()


def test_an_error_of_the_function_is_raised_after_the_results_before_it():
    def inverse(number):
        return 1 / number

    results = map_ahead(inverse, [1, 2, 0, 4], 2)
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
