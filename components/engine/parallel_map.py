"""Parallel map over elements with Beam, with the same results on every engine.

An engine may process elements in any order, on any machine, and twice if a worker was lost, and it reports an error of
a worker as a string. So each element has a number, a worker writes its result or error to a file of that name, and
results are read and merged in the order of the elements.
"""

import contextlib
import os
import pickle
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tfx.dsl.io import fileio

from errors import KINDS, PipelineError, RunError

FAN_IN = 16
"""Number of parts per merge."""
TEMPORARY = ".temporary"
_RESULTS, _ERRORS, _DRAFTS = "results", "errors", "drafts"

Explain = Callable[[BaseException], PipelineError | None]
"""Maps an exception raised by work to an error for the user; None if the user did not cause it."""


class Draft:
    """A file that is written under a temporary name and then renamed.

    A worker may be killed while it writes, and an engine may process the same element twice at once: a file under its
    final name is always complete.

    Args:
        path: Final path.
        folder: Folder of the temporary file, on the same file system.
    """

    def __init__(self, path: str, folder: str) -> None:
        self._path, self._temporary = path, f"{folder}/{uuid.uuid4().hex}"
        self.file = create(self._temporary)

    def place(self) -> None:
        """Move the closed file to its final path."""
        make_folder(os.path.dirname(self._path))
        FileSystems.rename([self._temporary], [self._path])


def create(path: str) -> Any:
    """Open a file for writing; its folder is created."""
    make_folder(os.path.dirname(path))
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def make_folder(path: str) -> None:
    """Create a folder unless it exists; other workers may create it at the same time."""
    if not FileSystems.exists(path):
        with contextlib.suppress(OSError):
            FileSystems.mkdirs(path)


def no_explanation(_: BaseException) -> None:
    """Explain no error: for work whose other errors are bugs of the pipeline."""


@contextlib.contextmanager
def temporary_folder(uri: str) -> Iterator[str]:
    """Open a context with a new folder inside an artifact, which is removed when the stage ends."""
    folder = f"{absolute(uri)}/{TEMPORARY}-{uuid.uuid4().hex}"
    make_folder(folder)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError, fileio.NotFoundError):
            fileio.rmtree(folder)


class Work(Protocol):
    """Work on one element; it is pickled and sent to the workers."""

    def setup(self) -> None:
        """Prepare, once per worker."""

    def process(self, element: Any) -> Any:
        """Process an element; the result is pickled."""


class _WorkFn(beam.DoFn):  # type: ignore[misc]
    """Processes elements and writes results and errors to files, which every runner can do.

    A file's name is the number of the element, so that an element that is processed twice has one result.
    """

    def __init__(self, work: Work, folder: str, explain: Explain) -> None:
        self._work, self._folder, self._explain = work, folder, explain

    def setup(self) -> None:
        """Prepare the worker."""
        self._work.setup()

    def process(self, numbered: tuple[int, Any]) -> Iterator[int]:
        """Process one element."""
        number, element = numbered
        if any(failed < number for failed in _failed(self._folder)):
            # Its result will not be read.
            return
        try:
            result = self._work.process(element)
        except Exception as error:
            explained = error if isinstance(error, PipelineError) else self._explain(error)
            if explained is None:
                raise
            self._write(f"{_ERRORS}/{number}", (type(explained).__name__, str(explained), traceback.format_exc()))
        else:
            self._write(f"{_RESULTS}/{number}", result)
        yield number

    def _write(self, name: str, content: Any) -> None:
        draft = Draft(f"{self._folder}/{name}", f"{self._folder}/{_DRAFTS}")
        with draft.file as file:
            file.write(pickle.dumps(content))
        draft.place()


def _failed(folder: str) -> list[int]:
    """List the numbers of the elements that have an error file."""
    try:
        names = fileio.listdir(f"{folder}/{_ERRORS}")
    except (OSError, fileio.NotFoundError):
        return []
    return sorted(int(name) for name in names if name.isdecimal())


def _read(path: str) -> Any:
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return pickle.loads(file.read())


def map_elements(
    make_pipeline: Callable[[], Any],
    elements: Sequence[Any],
    work: Work,
    folder: str,
    explain: Explain = no_explanation,
) -> Iterator[Any]:
    """Process elements in parallel, with results that do not depend on the engine.

    Args:
        make_pipeline: Makes a Beam pipeline.
        elements: The elements, in order.
        work: Work on one element.
        folder: Path prefix of a temporary folder for the results, which all workers and this process can access.
        explain: Maps an exception raised by `work` to an error for the user; None if the user did not cause it.

    Yields:
        The result of each element, in the order of the elements.

    Raises:
        PipelineError: the error of the first element that failed.
        RunError: the engine reports success, but a result is missing.
    """
    if not elements:
        return
    # A fixed name could hold the results of a previous attempt.
    folder = f"{absolute(folder)}-{uuid.uuid4().hex}"
    make_folder(f"{folder}/{_ERRORS}")
    try:
        try:
            with make_pipeline() as pipeline:
                _ = (
                    pipeline
                    # Without a shuffle Beam fuses the elements with the work, and one worker does everything.
                    | "Elements" >> beam.Create(list(enumerate(elements)), reshuffle=len(elements) > 1)
                    | "Work" >> beam.ParDo(_WorkFn(work, folder, explain))
                )
        except RunError:
            # An error of an element, which would recur, is the better message.
            _raise_first(folder)
            raise
        _raise_first(folder)
        for number in range(len(elements)):
            path = f"{folder}/{_RESULTS}/{number}"
            if not FileSystems.exists(path):
                raise RunError(
                    f"the engine reports success, but the result of {elements[number]} is missing ({path}): the "
                    "workers must see the same file system as this process"
                )
            yield _read(path)
    finally:
        with contextlib.suppress(OSError, fileio.NotFoundError):
            fileio.rmtree(folder)


def _raise_first(folder: str) -> None:
    for number in _failed(folder)[:1]:
        kind, message, trace = _read(f"{folder}/{_ERRORS}/{number}")
        raise KINDS[kind](message) from _WorkerTrace(trace)


class _WorkerTrace(Exception):  # noqa: N818  holds the stack trace of another process
    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def absolute(path: str) -> str:
    """Make a path absolute, for processes with another working directory; URLs stay as they are."""
    return path if "://" in path else os.path.abspath(path)


def map_reduce(
    make_pipeline: Callable[[], Any],
    elements: Sequence[tuple[Any, ...]],
    work: Work,
    merge: Callable[[list[Any]], Any],
    folder: str,
    explain: Explain = no_explanation,
) -> dict[str, Any]:
    """Process files in parallel and merge the results by key, in the order of the files on every engine.

    Args:
        make_pipeline: Makes a Beam pipeline.
        elements: For each file, a tuple whose first item is its key.
        work: Maps an element to a part, or to None.
        merge: Merges a list of two or more parts of a key.
        folder: See `map_elements`.
        explain: See `map_elements`.

    Returns:
        Key -> merged part, without keys that have no part.
    """
    merged = {element[0]: MergeTree(merge) for element in elements}
    results = map_elements(make_pipeline, elements, work, folder, explain)
    for element, part in zip(elements, results, strict=True):
        if part is not None:
            merged[element[0]].add(part)
    return {key: parts.result() for key, parts in merged.items() if parts.any}


class MergeTree:
    """Merges parts in a tree whose shape depends only on their number.

    Floating-point sums and sketches depend on the order of merges. At most FAN_IN - 1 parts of each level are in
    memory.

    Args:
        merge: Merges a list of two or more parts.
    """

    def __init__(self, merge: Callable[[list[Any]], Any]) -> None:
        self._merge = merge
        self._levels: list[list[Any]] = [[]]

    @property
    def any(self) -> bool:
        """Whether a part was added."""
        return any(self._levels)

    def add(self, part: Any) -> None:
        """Add the next part."""
        for level in self._levels:
            level.append(part)
            if len(level) < FAN_IN:
                return
            part = self._merge(level)
            level.clear()
        self._levels.append([part])

    def result(self) -> Any:
        """Merge all parts."""
        merged: list[Any] = []
        for level in self._levels:
            # Parts of a higher level come before those of a lower one.
            parts = [*level, *merged]
            merged = [self._merge(parts)] if len(parts) > 1 else parts
        return merged[0]
