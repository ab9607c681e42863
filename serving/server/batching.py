"""Dynamic batching: rows of requests that arrive together are predicted in one run.

A run costs almost the same for 1 and for 64 rows, so batches multiply the number of requests per second. A batch that
takes less than 2 ms, as earlier ones show, runs in the event loop, as soon as its steps bring no further request:
handing it to a thread would cost more than the run. A longer one runs in a thread, which starts when as many
requests wait as the previous batch had. Both start at the latest after a fixed time: a single client never waits, and
many clients wait for each other.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.server.statuses import RequestError

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]
Run = Callable[[Arrays], dict[str, Array]]

QUICK_SECONDS = 0.002
"""A batch that takes longer runs in a thread, so that the event loop answers other requests."""
_QUIET_STEPS = 3
"""Steps of the event loop without a further request, after which a quick batch starts: a request needs one to be read,
one to be parsed by its task, and the next one sees it here."""


@dataclass
class _Waiting:
    """A request that waits for its batch."""

    inputs: Arrays
    rows: int
    shapes: tuple[tuple[int, ...], ...]
    result: "asyncio.Future[dict[str, Array]]"


class Batcher:
    """Batches the requests of a signature; all methods are called in the event loop.

    Args:
        run: Predicts the rows of a batch; called in a thread of the executor.
        executor: Threads that run batches.
        slots: Number of batches that run at the same time.
        batch_rows: Maximum number of rows of a batch; a single request may have more.
        batch_seconds: Maximum wait for other requests, in seconds.
        queue_rows: Maximum number of rows that wait.
        observe: Called with the number of rows of each batch.
    """

    def __init__(
        self,
        run: Run,
        executor: Executor,
        *,
        slots: int,
        batch_rows: int,
        batch_seconds: float,
        queue_rows: int,
        observe: Callable[[int], object],
    ) -> None:
        self._run = run
        self._executor = executor
        self._slots = slots
        self._batch_rows = batch_rows
        self._batch_seconds = batch_seconds
        self._queue_rows = queue_rows
        self._observe = observe
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._running = 0
        self._expected = 1
        self._quick_rows = 0  # batches of up to so many rows run in the event loop
        self._was_slow = False
        self._timer: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def rows(self) -> int:
        """Number of rows that wait."""
        return self._rows

    async def submit(self, inputs: Arrays, rows: int) -> dict[str, Array]:
        """Predict the rows of a request in a batch with those of other requests.

        Args:
            inputs: Input name -> array of (rows, ...).
            rows: Number of rows.

        Returns:
            Output name -> array of (rows, ...).

        Raises:
            RequestError: too many rows wait already, or the run fails.
        """
        if self._rows and self._rows + rows > self._queue_rows:
            raise RequestError(
                f"{self._rows} rows wait already and at most {self._queue_rows} may: try again later", "UNAVAILABLE"
            )
        shapes = tuple([value.shape[1:] for value in inputs.values()])
        waiting = _Waiting(inputs, rows, shapes, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._rows += rows
        self._start()
        return await waiting.result

    def _start(self) -> None:
        """Start batches while there are free slots and enough requests."""
        while self._waiting and self._running < self._slots:
            if self._rows <= self._quick_rows:
                if self._timer is None:
                    loop = asyncio.get_running_loop()
                    latest = loop.time() + self._batch_seconds
                    self._timer = loop.call_soon(self._start_quiet, len(self._waiting), 1, latest)
                return
            if len(self._waiting) < self._expected and self._rows < self._batch_rows:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(self._batch_seconds, self._start_waiting)
                return
            self._start_one()

    def _start_quiet(self, requests: int, steps: int, latest: float) -> None:
        """Start a quick batch, unless further requests are arriving, because one run costs less than several.

        Args:
            requests: Number of requests that waited in the step before.
            steps: Number of steps in which no further request came.
            latest: Time of the event loop at which the batch starts in any case.
        """
        loop = asyncio.get_running_loop()
        if len(self._waiting) > requests:
            requests, steps = len(self._waiting), 0
        is_quiet = steps >= (_QUIET_STEPS if self._expected > 1 else 1)
        if is_quiet or self._rows > self._quick_rows or loop.time() >= latest:
            self._start_waiting()
        else:
            self._timer = loop.call_soon(self._start_quiet, requests, steps + 1, latest)

    def _start_waiting(self) -> None:
        self._timer = None
        if self._waiting and self._running < self._slots:
            self._start_one()
            self._start()

    def _start_one(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch = self._take()
        if not batch:
            return
        rows = sum(waiting.rows for waiting in batch)
        self._observe(rows)
        if rows <= self._quick_rows:
            self._answer_at_once(batch)
            return
        self._running += 1
        task = asyncio.get_running_loop().create_task(self._run_batch(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Waiting]:
        """Take the requests of the next batch: in order, of equal shapes, without those of disconnected clients."""
        batch: list[_Waiting] = []
        rows = 0
        while self._waiting:
            waiting = self._waiting[0]
            if batch and (waiting.shapes != batch[0].shapes or rows + waiting.rows > self._batch_rows):
                break
            self._waiting.popleft()
            self._rows -= waiting.rows
            if not waiting.result.done():
                batch.append(waiting)
                rows += waiting.rows
        self._expected = max(1, len(batch))
        return batch

    async def _run_batch(self, batch: list[_Waiting]) -> None:
        try:
            await self._answer(batch)
        finally:
            self._running -= 1
            self._start()

    async def _answer(self, batch: list[_Waiting]) -> None:
        """Run a batch in a thread; if it fails, run each request alone, so that one fails alone."""
        try:
            loop = asyncio.get_running_loop()
            outputs, seconds = await loop.run_in_executor(self._executor, self._timed, _joined(batch))
            self._finish(batch, outputs, seconds)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            for waiting in batch:
                await self._answer([waiting])

    def _answer_at_once(self, batch: list[_Waiting]) -> None:
        """Run a batch in the event loop; if it fails, run each request alone, so that one fails alone."""
        try:
            self._finish(batch, *self._timed(_joined(batch)))
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            for waiting in batch:
                self._answer_at_once([waiting])

    def _finish(self, batch: list[_Waiting], outputs: dict[str, Array], seconds: float) -> None:
        """Distribute the outputs of a batch, and learn from the time that it took."""
        rows = sum(waiting.rows for waiting in batch)
        is_slow = seconds > QUICK_SECONDS
        if not is_slow:
            self._quick_rows = max(self._quick_rows, rows)
        elif self._was_slow:  # one slow batch may be a moment in which the machine was busy
            self._quick_rows = min(self._quick_rows, rows - 1)
        self._was_slow = is_slow
        for waiting, part in zip(batch, _split(outputs, batch), strict=True):
            if not waiting.result.done():
                waiting.result.set_result(part)

    def _timed(self, inputs: Arrays) -> tuple[dict[str, Array], float]:
        """Return the outputs of a batch, and the seconds of its run."""
        started = time.perf_counter()
        return self._run(inputs), time.perf_counter() - started


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.result.done():
        waiting.result.set_exception(error)


def _joined(batch: list[_Waiting]) -> Arrays:
    """Concatenate the inputs of requests, all of a dtype and shape at once: each call costs as much as many cells."""
    if len(batch) == 1:
        return batch[0].inputs
    groups: defaultdict[tuple[Any, tuple[int, ...]], list[str]] = defaultdict(list)
    for name, value in batch[0].inputs.items():
        groups[value.dtype, value.shape[1:]].append(name)
    joined: dict[str, Array] = {}
    for (_, shape), names in groups.items():
        cells = np.concatenate([waiting.inputs[name] for name in names for waiting in batch])
        joined.update(zip(names, cells.reshape(len(names), len(cells) // len(names), *shape), strict=True))
    return joined


def _split(outputs: dict[str, Array], batch: list[_Waiting]) -> list[dict[str, Array]]:
    if len(batch) == 1:
        return [outputs]
    total = sum(waiting.rows for waiting in batch)
    for name, value in outputs.items():
        if not value.ndim or value.shape[0] != total:
            raise RequestError(f"output {name} has no row for each row of the inputs", "INTERNAL")
    parts = []
    start = 0
    for waiting in batch:
        parts.append({name: value[start : start + waiting.rows] for name, value in outputs.items()})
        start += waiting.rows
    return parts
