"""A sample of the served rows in Parquet files, written in a thread beside the requests.

A request samples its rows and puts them into a queue; it never waits. Rows that exceed the memory of the queue are
dropped and counted. Files are written atomically; the oldest are removed when a model's files exceed their size.
"""

import contextlib
import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from serving.server.row_log import logged_columns
from serving.server.server_settings import RowLogSettings
from spec.artifacts.signature_names import DEFAULT, EXAMPLES, ROWS

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]
Log = Callable[[str], object]

SIGNATURES = (DEFAULT, ROWS, EXAMPLES)
"""Signatures whose rows are logged: those that take the columns."""
MEMORY_BYTES = 32 << 20
"""Most bytes of rows that wait to be written."""
FILE_ROWS = 10_000
FILE_BYTES = 8 << 20
"""A file is written when this many rows or bytes wait, or its first row has waited for FILE_SECONDS."""
FILE_SECONDS = 60.0
_CELL_BYTES = 32
"""Memory of a bytes object beside its content, in bytes."""


@dataclass(frozen=True)
class Rows:
    """Rows of one request.

    Attributes:
        model: Name of the model.
        version: Version that answered.
        folder: Folder of the version.
        signature: Signature of the request.
        seconds: Time of the request, in seconds since 1970.
        inputs: Input name -> array of (rows, ...).
        outputs: Output name -> predictions, array of (rows, ...).
        ids: The client's id of each row; None without ids.
    """

    model: str
    version: int
    folder: str
    signature: str
    seconds: float
    inputs: Arrays
    outputs: Arrays
    ids: Sequence[str] | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(next(iter(self.inputs.values())))

    @functools.cached_property
    def size(self) -> int:
        """Approximate size in memory, in bytes."""
        ids = sum(_CELL_BYTES + len(row_id) for row_id in self.ids or ())
        return ids + sum(_size(value) for value in (*self.inputs.values(), *self.outputs.values()))


def _size(array: Array) -> int:
    if array.dtype.kind != "O":
        return array.nbytes
    return sum(_CELL_BYTES + len(cell) for cell in array.ravel())


@dataclass
class _Waiting:
    """Rows that wait to be written to one file, with their counts and the time of the first one."""

    since: float
    parts: list[Rows] = field(default_factory=list)
    count: int = 0
    size: int = 0

    def add(self, rows: Rows) -> None:
        self.parts.append(rows)
        self.count += rows.count
        self.size += rows.size

    @property
    def is_full(self) -> bool:
        return self.count >= FILE_ROWS or self.size >= FILE_BYTES


class RowLog:
    """Log of served rows: requests call `record`, and a background thread writes the files.

    Args:
        settings: Folder, sample and limits of the log.
        log: Receives a line when files cannot be written, and when rows are dropped.
        clock: Returns the seconds of a monotonic clock.
    """

    def __init__(self, settings: RowLogSettings, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._log = log
        self._clock = clock
        self._random = np.random.default_rng()
        self._queue: queue.SimpleQueue[Rows | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0
        self._waiting: dict[tuple[str, int, str], _Waiting] = {}
        self._number = 0
        self._failing = False
        self.dropped = 0
        """Rows that were chosen and not written."""
        self._thread = threading.Thread(target=self._run, name="row log", daemon=True)
        self._thread.start()

    def record(
        self,
        model: str,
        version: int,
        folder: str,
        signature: str,
        inputs: Arrays,
        outputs: Arrays,
        ids: Sequence[str] | None = None,
    ) -> None:
        """Sample rows of a request and queue them for the thread, without waiting; arguments as in `Rows`."""
        if signature not in SIGNATURES:
            return
        count = len(next(iter(inputs.values())))
        sampled_rows = np.flatnonzero(self._random.random(count) < self._settings.sample)
        if not len(sampled_rows):
            return
        rows = Rows(
            model,
            version,
            folder,
            signature,
            time.time(),
            {name: value[sampled_rows] for name, value in inputs.items()},
            {name: value[sampled_rows] for name, value in outputs.items()},
            None if ids is None else [ids[row] for row in sampled_rows],
        )
        with self._lock:
            fits = self._bytes + rows.size <= MEMORY_BYTES
            if fits:
                self._bytes += rows.size
            else:
                self.dropped += len(sampled_rows)
        if fits:
            self._queue.put(rows)

    def close(self) -> None:
        """Write the rows that wait, and stop the thread."""
        self._queue.put(None)
        self._thread.join()
        if self.dropped:
            self._log(
                f"log of rows: {self.dropped:,} rows were dropped, because they came faster than they were written"
            )

    def _run(self) -> None:
        while True:
            with contextlib.suppress(queue.Empty):
                rows = self._queue.get(timeout=1.0)
                if rows is None:
                    break
                self._add(rows)
            self._write_due()
        self._write_due(all_of_them=True)

    def _add(self, rows: Rows) -> None:
        key = (rows.model, rows.version, rows.signature)
        self._waiting.setdefault(key, _Waiting(self._clock())).add(rows)

    def _write_due(self, *, all_of_them: bool = False) -> None:
        for key, waiting in list(self._waiting.items()):
            if all_of_them or waiting.is_full or self._clock() - waiting.since >= FILE_SECONDS:
                del self._waiting[key]
                self._write(key[0], waiting)

    def _write(self, model: str, waiting: _Waiting) -> None:
        """Write a file; rows that cannot be written are dropped, so that a full disk stops no prediction."""
        folder = os.path.join(self._settings.folder, model)
        try:
            os.makedirs(folder, exist_ok=True)
            self._number += 1
            stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(waiting.parts[0].seconds))
            name = f"rows-{stamp}-{os.getpid()}-{self._number:06d}.parquet"
            draft = os.path.join(folder, f".{name}.partial")
            self._settings.write(draft, logged_columns.table(waiting.parts, self._settings.masked))
            os.replace(draft, os.path.join(folder, name))
            self._remove_oldest(folder)
            self._failing = False
        except (OSError, ValueError, pa.ArrowException) as error:
            self.dropped += waiting.count
            if not self._failing:
                self._log(f"log of rows: {folder} cannot be written, rows are dropped: {error}")
            self._failing = True
        finally:
            with self._lock:
                self._bytes -= waiting.size

    def _remove_oldest(self, folder: str) -> None:
        """Remove the oldest files of the log until its size is within the limit."""
        names = sorted(name for name in os.listdir(folder) if name.startswith("rows-") and name.endswith(".parquet"))
        sizes = {name: os.path.getsize(os.path.join(folder, name)) for name in names}
        total = sum(sizes.values())
        for name in names[:-1]:
            if total <= self._settings.model_bytes:
                break
            os.remove(os.path.join(folder, name))
            total -= sizes[name]
