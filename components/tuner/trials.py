"""Trials and their results, which are stored on disk so that an interrupted tuning can resume."""

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tfx.dsl.io import fileio

import buckets
from errors import ResourceError
from models import file_reads
from serving import version_files
from spec.rows.data_paths import is_remote
from spec.tuning import Tuning

LOSS = "loss"
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of training one trial.

    Attributes:
        metrics: Monitored metric -> its value on the eval split, at the epoch whose weights are kept.
        epochs: Number of epochs trained.
        best_epoch: The epoch whose weights are kept, counted from 1.
        seconds: Duration.
        failure: Reason why there is no usable result; None if there is one.
        keep: Whether the result is reproducible, so that it may be stored.
        reads: Path -> digest of the files that the trial's process opened.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    failure: str | None = None
    keep: bool = True
    reads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial.

    Attributes:
        number: Index in the order of proposals; 0 is the config's own values.
        values: Dotted key -> value, for every key in the space.
        most_epochs: Maximum number of epochs; None if the space has training.epochs.
        result: Result of the training.
        score: Objective; None if the trial failed.
        earlier: Whether the result was stored by a previous run.
    """

    number: int
    values: Mapping[str, Any]
    most_epochs: int | None
    result: Result
    score: float | None
    earlier: bool = False

    def line(self, *, best: bool) -> dict[str, Any]:
        """Return the trial as one JSON object, for a line of trials.jsonl."""
        return {
            "trial": self.number,
            "state": "FAILED" if self.score is None else "COMPLETED",
            "best": best,
            "score": self.score,
            "metrics": dict(self.result.metrics),
            "values": dict(self.values),
            "epochs": self.result.epochs,
            "best_epoch": self.result.best_epoch,
            "most_epochs": self.most_epochs,
            "seconds": round(self.result.seconds, 3),
            "earlier": self.earlier,
            "failure": self.result.failure,
        }


def score(result: Result, objective: str) -> float | None:
    """Return the objective of a result; None if the trial failed or the value is not finite."""
    if result.failure is not None:
        return None
    value = result.metrics[objective]
    return value if math.isfinite(value) else None


def best(trials: list[Trial], settings: Tuning) -> Trial | None:
    """Return the trial with the best score, the first of equal ones; None if all failed."""
    sign = 1 if settings.direction == "min" else -1
    scored = [(sign * trial.score, trial.number, trial) for trial in trials if trial.score is not None]
    return min(scored)[2] if scored else None


class Store:
    """Results on disk, each under its cache key.

    Args:
        folder: Folder of the results, local or in a bucket.
        decides: Part of the cache key that all trials share: digests of data and code, and sections of the config.
        anew: Whether to ignore stored results; new ones are still written.
    """

    def __init__(self, folder: str, decides: Mapping[str, Any], *, anew: bool = False) -> None:
        self._folder, self._decides, self._anew = folder, dict(decides), anew

    def read(self, sections: Mapping[str, Any]) -> Result | None:
        """Read the stored result of a trial with these sections; None if there is none or a file it read changed."""
        content = None if self._anew else self._content(self._path(sections))
        if content is None:
            return None
        result = Result(**json.loads(content)["result"])
        return None if file_reads.changed(result.reads) else result

    def write(self, sections: Mapping[str, Any], result: Result) -> None:
        """Store a result, unless it is not reproducible."""
        if not result.keep:
            return
        text = json.dumps({"sections": sections, "result": asdict(result)})
        with self._errors():
            version_files.replace(self._path(sections), text.encode())

    def _content(self, path: str) -> bytes | None:
        """Read a file; None if it does not exist. TensorFlow has no file system for s3:// and minio://."""
        if is_remote(path):
            with self._errors(), contextlib.suppress(FileNotFoundError):
                return buckets.read(path)
            return None
        # Python's own `open` would make the file an input of the stage; see models/file_reads.py.
        if not fileio.exists(path):
            return None
        with fileio.open(path, "rb") as file:
            content: bytes = file.read()
        return content

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except buckets.BucketError as error:
            raise ResourceError(
                f"{self._folder}: results of trials cannot be read or stored: {error.strerror}"
            ) from error

    def _path(self, sections: Mapping[str, Any]) -> str:
        text = json.dumps({**self._decides, "sections": sections}, sort_keys=True)
        return os.path.join(self._folder, f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json")


def content(splits: Mapping[str, Sequence[str]], graph: str) -> str:
    """Return a digest of the files that all trials read: names and content, independent of the folder's location.

    Args:
        splits: Files of each split.
        graph: Folder of the transform graph.
    """
    paths_by_name = [(f"{split}/{os.path.basename(path)}", path) for split, paths in splits.items() for path in paths]
    for above, _, names in sorted(fileio.walk(graph)):
        paths = [os.path.join(above, name) for name in sorted(names)]
        paths_by_name += [(os.path.relpath(path, graph), path) for path in paths]
    digest = hashlib.sha256()
    for name, path in paths_by_name:
        digest.update(name.encode() + b"\0")
        with fileio.open(path, "rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()[:16]
