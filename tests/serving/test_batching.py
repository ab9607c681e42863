"""Rows of several requests are run as one batch."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from serving.server import batching
from serving.server.batching import QUICK_SECONDS, Batcher
from serving.server.statuses import RequestError


def doubled(inputs):
    if (inputs["x"] < 0).any():
        raise RequestError("x is negative")
    return {"y": inputs["x"] * 2}


def slowly(inputs):
    time.sleep(2 * QUICK_SECONDS)
    return doubled(inputs)


def together(requests, **options):
    """Submit requests in one turn of the loop; return their results, and the rows of each batch."""
    sizes: list[int] = []

    async def main():
        with ThreadPoolExecutor(1) as executor:
            settings = {"slots": 1, "batch_rows": 100, "batch_seconds": 60.0, "queue_rows": 100, **options}
            batcher = Batcher(doubled, executor, observe=sizes.append, **settings)
            arrays = [np.array(values, np.float32) for values in requests]
            return await asyncio.gather(
                *(batcher.submit({"x": array}, len(array)) for array in arrays), return_exceptions=True
            )

    results = asyncio.run(main())
    return [result["y"].tolist() if isinstance(result, dict) else str(result) for result in results], sizes


def test_the_first_request_runs_at_once_and_those_that_come_meanwhile_form_a_batch():
    results, sizes = together([[1.0], [2.0, 3.0], [], [4.0]])
    assert results == [[2.0], [4.0, 6.0], [], [8.0]]
    assert sizes == [1, 3]


def test_one_bad_request_of_a_batch_fails_alone():
    results, sizes = together([[1.0], [2.0], [-1.0], [3.0]])
    assert results == [[2.0], [4.0], "x is negative", [6.0]]
    assert sizes == [1, 3]


def test_a_batch_has_no_more_rows_than_allowed_and_one_shape():
    assert together([[1.0], [2.0, 2.0], [3.0, 3.0], [4.0]], batch_rows=3, batch_seconds=0.001)[1] == [1, 2, 3]
    assert together([[1.0], [2.0], [[3.0]], [[4.0]]], batch_seconds=0.001)[1] == [1, 1, 2]


def test_more_waiting_rows_than_allowed_are_refused():
    results, _ = together([[1.0], [2.0], [3.0], [4.0]], queue_rows=2)
    assert results[:3] == [[2.0], [4.0], [6.0]]
    assert results[3].startswith("2 rows wait already and at most 2 may")


def test_a_request_waits_for_others_only_until_the_time_limit():
    async def main():
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(
                slowly,
                executor,
                slots=1,
                batch_rows=100,
                batch_seconds=0.01,
                queue_rows=100,
                observe=lambda rows: None,
            )
            row = {"x": np.ones(1, np.float32)}
            await asyncio.gather(*(batcher.submit(row, 1) for _ in range(5)))  # from now on four are expected
            return await asyncio.wait_for(batcher.submit(row, 1), 30)

    assert asyncio.run(main())["y"] == pytest.approx([2.0])


@pytest.fixture
def threads_of(monkeypatch):
    """Return a function that submits waves of requests, and returns the rows and the thread of each wave's batches.

    A wave is the number of rows of each of its requests, sent in one step, and the seconds that each of its batches
    takes. The thread is `loop` or `pool`.
    """

    def run_waves(waves):
        batches = []
        clock = [0.0]
        monkeypatch.setattr(batching, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

        async def main():
            loop_thread = threading.get_ident()

            def run(inputs):
                clock[0] += waves[len(batches) - 1][1]
                thread = "loop" if threading.get_ident() == loop_thread else "pool"
                batches[-1].append((len(inputs["x"]), thread))
                return doubled(inputs)

            with ThreadPoolExecutor(1) as executor:
                options = {"slots": 1, "batch_rows": 100, "batch_seconds": 0.05, "queue_rows": 100}
                batcher = Batcher(run, executor, observe=lambda rows: None, **options)
                for sizes, _ in waves:
                    batches.append([])
                    arrays = [np.ones(size, np.float32) for size in sizes]
                    await asyncio.gather(*(batcher.submit({"x": array}, len(array)) for array in arrays))

        asyncio.run(main())
        return batches

    return run_waves


SLOW = 1.5 * QUICK_SECONDS


def test_batches_that_were_quick_before_run_in_the_event_loop_with_all_requests_of_a_step(threads_of):
    assert threads_of([((4,), 0), ((1, 1, 2), 0), ((1,), 0), ((3, 2), 0), ((5,), 0)]) == [
        [(4, "pool")],
        [(4, "loop")],
        [(1, "loop")],
        [(5, "pool")],  # more rows than any before
        [(5, "loop")],
    ]


def test_batches_that_are_slow_twice_run_in_a_thread_until_they_are_quick_again(threads_of):
    waves = [
        ((2,), 0),
        ((2,), SLOW),
        ((2,), 0),
        ((2,), SLOW),
        ((2,), SLOW),
        ((2,), SLOW),
        ((1,), 0),
        ((2,), 0),
        ((2,), 0),
    ]
    assert [thread for [(_, thread)] in threads_of(waves)] == [
        "pool", "loop", "loop", "loop", "loop", "pool", "loop", "pool", "loop",
    ]  # fmt: skip


@pytest.mark.parametrize("batch_seconds", [60.0, 0.0])
def test_a_quick_batch_waits_for_requests_that_arrive_one_after_the_other(monkeypatch, batch_seconds):
    monkeypatch.setattr(batching, "time", SimpleNamespace(perf_counter=lambda: 0.0))
    sizes: list[int] = []

    async def main():
        with ThreadPoolExecutor(1) as executor:
            options = {"slots": 1, "batch_rows": 100, "batch_seconds": batch_seconds, "queue_rows": 100}
            batcher = Batcher(doubled, executor, observe=sizes.append, **options)
            await batcher.submit({"x": np.ones(10, np.float32)}, 10)  # up to 10 rows are quick

            async def send(steps):
                for _ in range(steps):
                    await asyncio.sleep(0)
                return await batcher.submit({"x": np.full(1, steps, np.float32)}, 1)

            async def batches(*steps):
                sizes.clear()
                results = await asyncio.gather(*map(send, steps))
                assert [result["y"].tolist() for result in results] == [[2.0 * step] for step in steps]
                return tuple(sizes)

            return [await batches(*steps) for steps in ((0, 2), (0, 0), (0, 2, 4), (0, 9), (0, 2))]

    waited = asyncio.run(main())
    if batch_seconds:
        assert waited == [(1, 1), (2,), (3,), (1, 1), (1, 1)]  # a single client, as in the first and last, never waits
    else:
        assert waited == [(1, 1), (2,), (1, 1, 1), (1, 1), (1, 1)]


def test_requests_of_several_types_and_shapes_are_joined_each_with_its_own():
    runs = []

    def echo(inputs):
        runs.append(len(inputs["a"]))
        return dict(inputs)

    async def main():
        with ThreadPoolExecutor(1) as executor:
            options = {"slots": 1, "batch_rows": 100, "batch_seconds": 60.0, "queue_rows": 100}
            batcher = Batcher(echo, executor, observe=lambda rows: None, **options)

            def request(start, rows):
                numbers = np.arange(start, start + rows)
                return {
                    "a": numbers.astype(np.float32),
                    "pair": np.stack([numbers, numbers + 0.5], 1).astype(np.float32),
                    "n": numbers,
                    "b": -numbers.astype(np.float32),
                    "word": np.array([str(number).encode() for number in numbers], object),
                }

            requests = [request(start, rows) for start, rows in ((0, 1), (10, 2), (20, 0), (30, 3))]
            answers = await asyncio.gather(*(batcher.submit(inputs, len(inputs["a"])) for inputs in requests))
            for inputs, outputs in zip(requests, answers, strict=True):
                assert outputs.keys() == inputs.keys()
                for name, value in inputs.items():
                    assert outputs[name].dtype == value.dtype
                    assert outputs[name].tolist() == value.tolist()

    asyncio.run(main())
    assert runs == [1, 5]
