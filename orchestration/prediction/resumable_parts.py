"""Finished parts of an output beside it, so that a killed command continues, and the output appears complete or not.

The folder `.OUTPUT.parts` holds job.json, which says what the parts are of, and for each part its rows and a record,
which makes it a finished one. Parts of another job are removed.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.inference import prediction_table
from errors import ResourceError
from spec.artifacts import atomic_files

_JOB, _HEAD, _DRAFT = "job.json", "head", "draft"


class Parts:
    """Parts of one output.

    Args:
        output: Path of the output.
        form: Its format.
        job: What determines the predictions: files, version and settings, as JSON values.
    """

    def __init__(self, output: str, form: str, job: Mapping[str, Any]) -> None:
        folder, name = os.path.split(os.path.abspath(output))
        self.folder = os.path.join(folder, f".{name}.parts")
        self._output, self._form = output, form
        self._job = json.loads(json.dumps(job))
        self.records: list[dict[str, Any]] = []
        """Record of each finished part, in order."""

    @contextlib.contextmanager
    def held(self, log: Callable[[str], object]) -> Iterator["Parts"]:
        """Hold the folder for this process, and find the parts that an earlier attempt finished.

        Args:
            log: Receives a sentence on parts that are kept or removed.

        Raises:
            ResourceError: another process writes the same output, or the folder cannot be written.
        """
        with self._written(), contextlib.ExitStack() as stack:
            os.makedirs(self.folder, exist_ok=True)
            lock = stack.enter_context(open(os.path.join(self.folder, "lock"), "w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ResourceError(
                    f"another process writes {self._output}: wait for it, or name another output"
                ) from error
            if self._read(_JOB) != self._job:
                stale = [name for name in os.listdir(self.folder) if name != "lock"]
                for name in stale:
                    os.remove(os.path.join(self.folder, name))
                if stale:
                    log(f"parts of other rows, of another version or of other settings are removed from {self.folder}")
                self._write(_JOB, json.dumps(self._job).encode())
            while (record := self._read(f"{len(self.records):06d}.json")) is not None:
                self.records.append(record)
            if self.records:
                log(f"continues after {len(self.records):,} finished part(s) of an earlier attempt")
            yield self

    def add(self, rows: Any, record: Mapping[str, Any]) -> None:
        """Add a part: rows as a pa.Table, and its record."""
        with self._written():
            if not self.records:
                self._write(_HEAD, prediction_table.head(rows, self._form))
            number = len(self.records)
            self._write(f"{number:06d}.rows", prediction_table.encoded(rows, self._form))
            self._write(f"{number:06d}.json", json.dumps(record).encode())
        self.records.append(dict(record))

    def place(self) -> None:
        """Write the output from the parts, replace an earlier one, and remove the parts."""
        names = [_HEAD] if self._form == "csv" else []
        names += [f"{number:06d}.rows" for number in range(len(self.records))]
        draft = os.path.join(self.folder, _DRAFT)
        with self._written():
            with atomic_files.opened(self._output, draft=draft, flush=True) as file:
                prediction_table.join([os.path.join(self.folder, name) for name in names], self._form, file)
            shutil.rmtree(self.folder)

    def _read(self, name: str) -> Any:
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        """Write a file that exists complete or not at all."""
        path = os.path.join(self.folder, name)
        atomic_files.write(path, content, draft=f"{path}.draft", flush=True)

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ResourceError(f"{self._output} cannot be written: {error.strerror or error}") from error
