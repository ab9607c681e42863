"""Accepted data of earlier runs in a folder, for platforms whose jobs have no resolver.

Each validation that passes adds a file for its data, unless there is one: TIME-SPAN-DIGEST.json with the number of
rows, the statistics of the train split, and the place of the examples. The digest is that of all statistics, so it is
equal for equal rows. rows/DIGEST.marks holds the digests of the train rows of the examples at a place, so that a model
is not compared on rows that the served model was trained on. A file appears as a whole, and files are never changed.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2

import buckets
from components.baseline import reference
from components.ingestion.rows import row_profile
from components.validation import passed_statistics
from components.validation.gate_context import TRAIN, Digests, PreviousRun, row_count
from errors import ResourceError
from serving import version_files

_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]{32})\.json")


@dataclass(frozen=True)
class Folders:
    """Folders of a pipeline, each on this machine or in a bucket.

    Attributes:
        accepted: Folder of the files.
        serving: The serving folder, whose records name the models that were rolled back.
    """

    accepted: str
    serving: str


@dataclass(frozen=True)
class Data:
    """The data of a run.

    Attributes:
        statistics: Split -> DatasetFeatureStatisticsList.
        span: Span of the data; 0 if the data has no spans.
        examples: Place of its Examples artifact; see `lineage.place`.
        unit: What spans count; see `span_names.shown`.
    """

    statistics: Mapping[str, Any]
    span: int = 0
    examples: str = ""
    unit: str = ""

    @property
    def digest(self) -> str:
        """Digest of the statistics."""
        digest = hashlib.blake2b(digest_size=16)
        for split, figures in sorted(self.statistics.items()):
            digest.update(split.encode() + b"\0" + figures.SerializeToString(deterministic=True))
        return digest.hexdigest()


def previous_runs(folders: Folders, data: Data, runs: int) -> list[PreviousRun]:
    """Read runs with other data: the newest span before this one first, else the newest run.

    Data whose model was rolled back is left out, as are damaged files.

    Args:
        folders: Folders of the pipeline.
        data: Data of this run.
        runs: Maximum number of runs.

    Raises:
        ResourceError: the bucket cannot be read.
    """
    try:
        other_files = [match for match in _files(folders.accepted) if match[3] != data.digest]
        rolled_back = {version.extra.get("examples") for version in reference.rolled_back(folders.serving)}
        previous: list[PreviousRun] = []
        for match in sorted(other_files, key=lambda match: _nearness(match, data.span), reverse=True):
            if len(previous) == runs:
                break
            content, span = _content(f"{folders.accepted}/{match[0]}"), int(match[2])
            if content is not None and (not content[1] or content[1] not in rolled_back):
                name = passed_statistics.name(span, data.span, data.unit)
                previous.append(PreviousRun(content[0], content[2], name))
        return previous
    except buckets.BucketError as error:
        raise ResourceError(f"the data that earlier runs accepted cannot be read: {error.strerror}") from error


def accept(folders: Folders, data: Data) -> None:
    """Add the data of a run that passed, unless equal data is there.

    Raises:
        ResourceError: the bucket cannot be read or written.
    """
    digest = data.digest
    try:
        if TRAIN not in data.statistics or any(match[3] == digest for match in _files(folders.accepted)):
            return
        content = {
            "rows": sum(map(row_count, data.statistics.values())),
            "examples": data.examples,
            TRAIN: base64.b64encode(data.statistics[TRAIN].SerializeToString(deterministic=True)).decode(),
        }
        path = f"{folders.accepted}/{time.time_ns():020d}-{data.span}-{digest}.json"
        version_files.replace(path, json.dumps(content).encode())
    except buckets.BucketError as error:
        raise ResourceError(f"the accepted data cannot be recorded for later runs: {error.strerror}") from error


def keep_train_rows(folder: str, examples: str, digests: Digests) -> None:
    """Store the digests of the train rows of an Examples artifact, unless they are there.

    Args:
        folder: Folder of accepted data.
        examples: Place of the artifact; see `lineage.place`.
        digests: Digests of its train rows.

    Raises:
        ResourceError: the bucket cannot be read or written.
    """
    path = _rows_path(folder, examples)
    try:
        if os.path.basename(path) not in version_files.names(os.path.dirname(path)):
            version_files.replace(path, row_profile.content(row_profile.Marked({}, {TRAIN: digests}, {}, {}, {})))
    except buckets.BucketError as error:
        raise ResourceError(f"the accepted rows cannot be recorded for later runs: {error.strerror}") from error


def train_rows(folder: str, examples: str) -> bytes | None:
    """Read the row profile with the digests of the train rows of an Examples artifact; None if there is none."""
    with contextlib.suppress(FileNotFoundError):
        return b"".join(version_files.blocks(_rows_path(folder, examples)))
    return None


def _rows_path(folder: str, examples: str) -> str:
    name = hashlib.blake2b(examples.encode(), digest_size=16).hexdigest()
    return f"{folder}/rows/{name}{row_profile.ENDING}"


def _files(folder: str) -> list[re.Match[str]]:
    return [match for name in version_files.names(folder) if (match := _NAME.fullmatch(name))]


def _nearness(match: re.Match[str], span: int) -> tuple[bool, int, int]:
    """Return the order of passed_statistics.nearest, with the time in place of the artifact's id."""
    return int(match[2]) < span, int(match[2]) if span else 0, int(match[1])


def _content(path: str) -> tuple[int, str, Any] | None:
    """Read rows, place of the examples and statistics of a file; None if it is gone or damaged."""
    try:
        content = json.loads(b"".join(version_files.blocks(path)))
        train = statistics_pb2.DatasetFeatureStatisticsList.FromString(base64.b64decode(content[TRAIN]))
        return int(content["rows"]), str(content["examples"]), train
    except buckets.BucketError:
        raise
    except (OSError, ValueError, KeyError, TypeError, DecodeError):
        return None
