"""Trials: what one came to, and where the finished ones are kept so that a killed tuning is taken up."""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tfx.dsl.io import fileio

from models import file_reads
from spec.tuning import Tuning

LOSS = "loss"
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Result:
    """How the training of one trial ended.

    Attributes:
        metrics: Watched metric -> its value on the eval split, at the epoch whose weights are kept.
        epochs: Epochs that were trained.
        best_epoch: The epoch whose weights are kept, counted from 1.
        seconds: How long it took.
        failure: Why there is no usable result; None where there is.
        keep: Whether the same values would end the same way again.
        reads: Path -> digest of the files that its process opened.
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
        number: Its place in the order in which the values were proposed; 0 is the config's own values.
        values: Dotted key -> value, of every key in the space.
        most_epochs: Epochs it could have.
        result: How it ended.
        score: Its objective; None where it failed.
        earlier: Whether it was trained before and its result was kept.
    """

    number: int
    values: Mapping[str, Any]
    most_epochs: int | None
    result: Result
    score: float | None
    earlier: bool = False

    def line(self, *, best: bool) -> dict[str, Any]:
        """The trial as one flat JSON object."""
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
    """The objective of a result; None where the trial failed or the number is none."""
    if result.failure is not None:
        return None
    value = result.metrics[objective]
    return value if math.isfinite(value) else None


def best(trials: list[Trial], settings: Tuning) -> Trial | None:
    """The trial with the best score, the earliest of equal ones; None where all failed."""
    sign = 1 if settings.direction == "min" else -1
    scored = [(sign * trial.score, trial.number, trial) for trial in trials if trial.score is not None]
    return min(scored)[2] if scored else None


class Store:
    """Results on disk, each named by a digest of all that decides it.

    Args:
        folder: Where they are; on this machine or in a bucket.
        decides: What decides every trial of this search: digests of data and code, and the sections of the config.
        anew: Whether results are kept and none is read.
    """

    def __init__(self, folder: str, decides: Mapping[str, Any], *, anew: bool = False) -> None:
        self._folder, self._decides, self._anew = folder, dict(decides), anew

    def read(self, sections: Mapping[str, Any]) -> Result | None:
        """The result of an earlier trial with these sections; None where there is none."""
        path = self._path(sections)
        if self._anew or not fileio.exists(path):
            return None
        with fileio.open(path) as file:
            kept: dict[str, Any] = json.loads(file.read())
        result = Result(**kept["result"])
        return None if file_reads.changed(result.reads) else result

    def write(self, sections: Mapping[str, Any], result: Result) -> None:
        """Keep a result, unless the next time could end otherwise."""
        if not result.keep:
            return
        path = self._path(sections)
        fileio.makedirs(self._folder)
        with fileio.open(f"{path}.partial", "w") as file:
            file.write(json.dumps({"sections": sections, "result": asdict(result)}))
        fileio.rename(f"{path}.partial", path, overwrite=True)

    def _path(self, sections: Mapping[str, Any]) -> str:
        text = json.dumps({**self._decides, "sections": sections}, sort_keys=True)
        return os.path.join(self._folder, f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json")


def content(splits: Mapping[str, Sequence[str]], graph: str) -> str:
    """Digest what all trials read, names and bytes; the place of a folder does not count.

    Args:
        splits: Files of each split.
        graph: Folder of the transform graph.
    """
    named = [(f"{split}/{os.path.basename(path)}", path) for split, paths in splits.items() for path in paths]
    for above, _, names in sorted(fileio.walk(graph)):
        paths = [os.path.join(above, name) for name in sorted(names)]
        named += [(os.path.relpath(path, graph), path) for path in paths]
    digest = hashlib.sha256()
    for name, path in named:
        digest.update(name.encode() + b"\0")
        with fileio.open(path, "rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()[:16]
