"""Dynamic batching: rows of requests that arrive together are predicted in one run.

A run costs almost the same for 1 and for 64 rows, so batches multiply the number of requests per second. A batch that
takes less than 2 ms, as earlier ones show, runs in the event loop, with all requests that arrived by then: handing it
to a thread would cost more than the run. A longer one runs in a thread, which starts when as many requests wait as the
previous batch had, and at the latest after a fixed time: a single client never waits, and many clients wait for each
other.
"""

import asyncio
import time
from collections import deque
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
        shapes = tuple(value.shape[1:] for value in inputs.values())
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
                    self._timer = asyncio.get_running_loop().call_soon(self._start_waiting)
                return
            if len(self._waiting) < self._expected and self._rows < self._batch_rows:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(self._batch_seconds, self._start_waiting)
                return
            self._start_one()

    def _start_waiting(self) -> None:
        self._timer = None
        if self._waiting and self._running < self._slots:
            self._start_one()
            self._start()

    def _start_one(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._running += 1
        task = asyncio.get_running_loop().create_task(self._run_batch(self._take()))
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
            if batch:
                self._observe(sum(waiting.rows for waiting in batch))
                await self._answer(batch)
        finally:
            self._running -= 1
            self._start()

    async def _answer(self, batch: list[_Waiting]) -> None:
        """Run a batch and distribute its outputs; if it fails, run each request alone, so that one fails alone."""
        try:
            parts = _split(await self._outputs(batch), batch)
        except Exception as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._answer([waiting])
            elif not batch[0].result.done():
                batch[0].result.set_exception(error)
            return
        for waiting, part in zip(batch, parts, strict=True):
            if not waiting.result.done():
                waiting.result.set_result(part)

    async def _outputs(self, batch: list[_Waiting]) -> dict[str, Array]:
        """Run a batch, in the event loop or in a thread, and learn from the time that it takes."""
        inputs = _joined(batch)
        rows = sum(waiting.rows for waiting in batch)
        if rows <= self._quick_rows:
            outputs, seconds = self._timed(inputs)
        else:
            loop = asyncio.get_running_loop()
            outputs, seconds = await loop.run_in_executor(self._executor, self._timed, inputs)
        is_slow = seconds > QUICK_SECONDS
        if not is_slow:
            self._quick_rows = max(self._quick_rows, rows)
        elif self._was_slow:  # one slow batch may be a moment in which the machine was busy
            self._quick_rows = min(self._quick_rows, rows - 1)
        self._was_slow = is_slow
        return outputs

    def _timed(self, inputs: Arrays) -> tuple[dict[str, Array], float]:
        """Return the outputs of a batch, and the seconds of its run."""
        started = time.perf_counter()
        return self._run(inputs), time.perf_counter() - started


def _joined(batch: list[_Waiting]) -> Arrays:
    if len(batch) == 1:
        return batch[0].inputs
    return {name: np.concatenate([waiting.inputs[name] for waiting in batch]) for name in batch[0].inputs}


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
