"""Work on many elements by Beam, with results that are the same on every engine.

An engine may run elements in any order and on any machine, twice where a worker was lost, and report an error of a
worker as a text. So each element has a number, its result and its error go through a file of that name, and results are
read and merged in the elements' order.
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
"""Parts that are merged at once."""
TEMPORARY = ".temporary"
_RESULTS, _ERRORS, _DRAFTS = "results", "errors", "drafts"

Explain = Callable[[BaseException], PipelineError | None]
"""From what work raised to the error for the user's eyes; None where it is not the user's fault."""


class Draft:
    """A file that is written under another name and takes its place whole.

    A worker may be killed while it writes, and an engine may run the same element twice at once: what lies under a
    file's own name is complete, whoever wrote it.

    Args:
        path: Its own name.
        folder: Where it is written, on the same file system.
    """

    def __init__(self, path: str, folder: str) -> None:
        self._path, self._temporary = path, f"{folder}/{uuid.uuid4().hex}"
        self.file = create(self._temporary)

    def place(self) -> None:
        """Move the file, which is closed, to its place."""
        make_folder(os.path.dirname(self._path))
        FileSystems.rename([self._temporary], [self._path])


def create(path: str) -> Any:
    """Open a file to write, and make its folder."""
    make_folder(os.path.dirname(path))
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def make_folder(path: str) -> None:
    """Make a folder where there is none; other workers may do so at the same time."""
    if not FileSystems.exists(path):
        with contextlib.suppress(OSError):
            FileSystems.mkdirs(path)


def unexplained(_: BaseException) -> None:
    """For work whose errors of other kinds are faults of ours."""


@contextlib.contextmanager
def scratch(uri: str) -> Iterator[str]:
    """A new folder in an artifact's, for what is there only while its stage works."""
    folder = f"{absolute(uri)}/{TEMPORARY}-{uuid.uuid4().hex}"
    make_folder(folder)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError, fileio.NotFoundError):
            fileio.rmtree(folder)


class Work(Protocol):
    """What is done with one element; pickled to wherever a worker is."""

    def setup(self) -> None:
        """Get ready, once a worker."""

    def process(self, element: Any) -> Any:
        """Work on an element; the result is pickled."""


class _Each(beam.DoFn):  # type: ignore[misc]
    """Results and errors go back through files, which every runner can write.

    A file's name is the element's number, so that an element that is worked on twice gives one result.
    """

    def __init__(self, work: Work, folder: str, explain: Explain) -> None:
        self._work, self._folder, self._explain = work, folder, explain

    def setup(self) -> None:
        """Get ready."""
        self._work.setup()

    def process(self, numbered: tuple[int, Any]) -> Iterator[int]:
        """Work on one element."""
        number, element = numbered
        if any(failed < number for failed in _failed(self._folder)):
            # Its result would not be read.
            return
        try:
            result = self._work.process(element)
        except Exception as error:
            finding = error if isinstance(error, PipelineError) else self._explain(error)
            if finding is None:
                raise
            self._put(f"{_ERRORS}/{number}", (type(finding).__name__, str(finding), traceback.format_exc()))
        else:
            self._put(f"{_RESULTS}/{number}", result)
        yield number

    def _put(self, name: str, content: Any) -> None:
        draft = Draft(f"{self._folder}/{name}", f"{self._folder}/{_DRAFTS}")
        with draft.file as file:
            file.write(pickle.dumps(content))
        draft.place()


def _failed(folder: str) -> list[int]:
    """Numbers of the elements that ended with an error of ours."""
    try:
        names = fileio.listdir(f"{folder}/{_ERRORS}")
    except (OSError, fileio.NotFoundError):
        return []
    return sorted(int(name) for name in names if name.isdecimal())


def _get(path: str) -> Any:
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return pickle.loads(file.read())


def spread(
    make_pipeline: Callable[[], Any], elements: Sequence[Any], work: Work, folder: str, explain: Explain = unexplained
) -> Iterator[Any]:
    """Work on elements in parallel, on whatever engine, with results that do not depend on it.

    Args:
        make_pipeline: Makes a Beam pipeline.
        elements: What is worked on, in order.
        work: What is done with each.
        folder: For the results, where all workers and this process can reach it; one beside it is made and removed.
        explain: From what `work` raised to the error for the user's eyes, or to None where it is not the user's fault.

    Yields:
        The result of each element, in the elements' order.

    Raises:
        PipelineError: that of the first element that has one.
        RunError: the engine says that it has done its work, and did not.
    """
    if not elements:
        return
    # A folder that an earlier try left holds the results of that try.
    folder = f"{absolute(folder)}-{uuid.uuid4().hex}"
    make_folder(f"{folder}/{_ERRORS}")
    try:
        try:
            with make_pipeline() as pipeline:
                _ = (
                    pipeline
                    # Without a shuffle the elements are fused with the work, and one worker does it all.
                    | "Elements" >> beam.Create(list(enumerate(elements)), reshuffle=len(elements) > 1)
                    | "Work" >> beam.ParDo(_Each(work, folder, explain))
                )
        except RunError:
            # The engine failed, and an error of the user's would come again.
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
            yield _get(path)
    finally:
        with contextlib.suppress(OSError, fileio.NotFoundError):
            fileio.rmtree(folder)


def _raise_first(folder: str) -> None:
    for number in _failed(folder)[:1]:
        kind, message, trace = _get(f"{folder}/{_ERRORS}/{number}")
        raise KINDS[kind](message) from _Elsewhere(trace)


class _Elsewhere(Exception):  # noqa: N818  holds the trace of another process
    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def absolute(path: str) -> str:
    """A path that means the same in every process of this machine; URLs stay."""
    return path if "://" in path else os.path.abspath(path)


def combine(
    make_pipeline: Callable[[], Any],
    elements: Sequence[tuple[Any, ...]],
    work: Work,
    merge: Callable[[list[Any]], Any],
    folder: str,
    explain: Explain = unexplained,
) -> dict[str, Any]:
    """Read files in parallel, and put together what they give, in the files' order on every engine.

    Args:
        make_pipeline: Makes a Beam pipeline.
        elements: For each file, a tuple that begins with its key.
        work: From such an element to its part, or to None.
        merge: From a list of two or more parts of a key to one.
        folder: As of `spread`.
        explain: As of `spread`.

    Returns:
        Key -> the merged part, without keys that have none.
    """
    merged = {element[0]: Merged(merge) for element in elements}
    results = spread(make_pipeline, elements, work, folder, explain)
    for element, part in zip(elements, results, strict=True):
        if part is not None:
            merged[element[0]].add(part)
    return {key: parts.result() for key, parts in merged.items() if parts.any}


class Merged:
    """Merges parts in a tree whose shape depends on nothing but their number.

    Floating-point sums and sketches depend on what is merged with what, and memory on how many parts are held: at most
    FAN_IN - 1 of each level.

    Args:
        merge: From a list of two or more parts to one.
    """

    def __init__(self, merge: Callable[[list[Any]], Any]) -> None:
        self._merge = merge
        self._levels: list[list[Any]] = [[]]

    @property
    def any(self) -> bool:
        """Whether there is a part."""
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
        """All parts, merged."""
        rest: list[Any] = []
        for level in self._levels:
            # Parts of a higher level come before those of a lower one.
            parts = [*level, *rest]
            rest = [self._merge(parts)] if len(parts) > 1 else parts
        return rest[0]
