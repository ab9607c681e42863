"""Explanation of errors of the transformation: invalid values, broken images, or a user-defined function."""

import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

import project
from components import example_passes
from errors import UserError
from spec.artifacts.check_messages import FAILED

if TYPE_CHECKING:
    # It imports TensorFlow Transform, which `predict` does not need.
    from models.transform_graph.preprocessing import TransformConfig

_FINDING = re.compile(FAILED, re.MULTILINE)
ADVICE = ". Fix or exclude such rows, or choose another role for the column"
"""End of the message for an invalid value."""
_BROKEN_IMAGE = re.compile(r"\{\{node \S*Decode(Image|Png)\}\}")

_NODE = re.compile(r"\[?\[?\{\{.*?\}\}\]?\]?|\[Op:.*?\]|\[while running .*?\]")
"""Positions in the graph, which are removed from messages."""


class Records:
    """Iterable of (description of the row, serialized tf.Example), read lazily.

    It is picklable, because it is sent to workers.

    Args:
        files: Split -> paths of its files.
    """

    def __init__(self, files: Mapping[str, Sequence[str]]) -> None:
        self._files = dict(files)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for split, paths in self._files.items():
            rows = (record for path in paths for records in example_passes.batches(path) for record in records)
            for number, record in enumerate(rows, 1):
                yield f"row {number:,} of {split}", bytes(record)


@dataclass(frozen=True)
class Subject:
    """Columns and function that an explanation names.

    These are plain values, so that a worker need not import the user's roles to unpickle them.

    Attributes:
        images: Columns with encoded images.
        identifier: Column with the id of a row; None without one.
        preprocessing: Dotted path of the user-defined function; None without one.
    """

    images: Sequence[str] = ()
    identifier: str | None = None
    preprocessing: str | None = None

    @classmethod
    def of(cls, config: "TransformConfig") -> "Subject":
        """Return the subject of the stage's settings."""
        images = tuple(image.column for image in config.features.of("image"))
        return cls(images, config.columns.id, config.preprocessing)


def explain(error: BaseException, subject: Subject, records: Iterable[tuple[str, bytes]] = ()) -> UserError | None:
    """Explain an exception of the stage by the user's data or code.

    Args:
        error: Exception that the stage raised.
        subject: Columns and function of the stage.
        records: (description of the row, serialized tf.Example) of all rows; read only to find a broken image.

    Returns:
        Error that names the column and its expected values, or the line of the user-defined function; None if neither
        is the cause.
    """
    user_function = subject.preprocessing
    for cause in _causes(error):
        finding = _FINDING.search(str(cause))
        if finding:
            value = f" {_plain(finding[2])!r}" if finding[2] else ""
            return UserError(f"{_plain(finding[1])}{value}{ADVICE}")
        if _BROKEN_IMAGE.search(str(cause)):
            reason = _NODE.sub("", str(cause)).strip().splitlines()[-1].strip()
            location = _broken(records, subject.images, subject.identifier)
            columns = ", ".join(map(repr, subject.images))
            return UserError(f"column {columns} holds a broken image ({reason}){location}: replace or exclude it")
        line = _user_line(cause, user_function) if user_function else None
        if line:
            return UserError(f"{user_function} failed: {type(cause).__name__}: {cause} ({line})")
        if isinstance(cause, ValueError) and _raised_by_models(cause):
            return UserError(str(cause))
    return None


def _broken(records: Iterable[tuple[str, bytes]], columns: Sequence[str], name: str | None) -> str:
    """Find the first row with a broken image.

    Args:
        records: (description of the row, serialized tf.Example).
        columns: Image columns.
        name: Column with the id of a row; None if there is none.

    Returns:
        Clause to append to a message, such as ", in ID"; "" if no image is broken.
    """
    for location, record in records:
        cells = tf.train.Example.FromString(record).features.feature
        for column in columns:
            for content in cells[column].bytes_list.value:
                try:
                    tf.io.decode_image(content, expand_animations=False)
                except tf.errors.InvalidArgumentError:
                    identifier = b"".join(cells[name].bytes_list.value).decode(errors="replace") if name else ""
                    return f", in {identifier or location}"
    return ""


def _plain(escaped: str) -> str:
    """Decode TensorFlow's escapes of quotes and non-ASCII characters."""
    return escaped.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the chain of exceptions behind an error, root cause first."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    return reversed(chain)


def _raised_by_models(error: BaseException) -> bool:
    """Return whether an exception was raised in models/, which may not import UserError; its messages are for users."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(os.path.join(project.REPOSITORY, "models", ""))


def _user_line(error: BaseException, user_function: str) -> str | None:
    """Return file and line of the innermost frame of the user's module in a traceback; None without such a frame."""
    module = sys.modules.get(user_function.rpartition(".")[0])
    path = getattr(module, "__file__", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if path and frame.filename == path]
    return f"{project.shown(frames[-1].filename)}, line {frames[-1].lineno}" if frames else None
