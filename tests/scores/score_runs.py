"""Runs of pipelines, and their results."""

import contextlib
import ctypes
import dataclasses
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from .score_rows import Table, read

REPOSITORY = Path(__file__).parents[2]
BROUGHT = REPOSITORY.parent / "shared"
"""Data root next to the repository, with data that may not be redistributed."""
_PR_SET_PDEATHSIG = 1
_WORKERS: Any = None
"""Fork server of a pool process, which has imported TensorFlow."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A run to execute.

    Attributes:
        pipeline: Name of the config.
        variant: Name of its variant.
        overrides: Overrides `key=value`.
        data_root: Folder that data paths are relative to; None for the clone.
    """

    pipeline: str
    variant: str | None = None
    overrides: tuple[str, ...] = ()
    data_root: Path | None = None

    @property
    def name(self) -> str:
        """Name of the pipeline with its variant."""
        return f"{self.pipeline}-{self.variant}" if self.variant else self.pipeline


@dataclasses.dataclass(frozen=True)
class Result:
    """Result of a run.

    Attributes:
        folder: The pipeline's folder under its root.
        seconds: Duration of the run.
    """

    folder: Path
    seconds: float

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics of the exported model on the test split."""
        return dict(json.loads(self._one("evaluator/evaluation/*/verdict.json").read_text())["metrics"])

    @property
    def history(self) -> list[dict[str, float]]:
        """Training metrics, one entry per epoch."""
        return [json.loads(line) for line in self._one("trainer/model_run/*/history.jsonl").read_text().splitlines()]

    def rows(self, split: str) -> Table:
        """Return the raw rows of a split, as written by the ingestion."""
        return read(self._one(f"ingestion/examples/*/Split-{split}"))

    def _one(self, pattern: str) -> Path:
        (artifact,) = (self.folder / "artifacts").glob(pattern)
        return artifact


def pool(at_once: int) -> ProcessPoolExecutor:
    """Processes that make runs, each with one start of TensorFlow for all of its own."""
    return ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn"), initializer=_start)


def run(job: Job, root: Path) -> Result:
    """Make a run from nothing, as runner.py does; in a process of the pool.

    Args:
        job: The run.
        root: A folder of its own, which is made; it takes what the run says, too.

    Raises:
        PipelineError: the run ended without a verdict.
    """
    from errors import GateError
    from orchestration.local import supervisor
    from pipeline.variants import Name

    root.mkdir(parents=True)
    started = time.monotonic()
    request = supervisor.Request(
        name=Name(job.pipeline, job.variant),
        overrides=job.overrides,
        root=str(root),
        data_root=str(job.data_root or REPOSITORY),
    )
    with _said(root / "terminal.txt"):
        try:
            supervisor.run(request, _WORKERS)
        except GateError:
            # A model that the config's own floor refuses is a score that falls short, not a fault.
            if not list((root / job.name).glob("artifacts/evaluator/evaluation/*/verdict.json")):
                raise
    return Result(root / job.name, time.monotonic() - started)


def _start() -> None:
    from orchestration.local.fork_server import ForkServer

    global _WORKERS
    # A run answers SIGTERM by ending alone, and the pool would wait on for more.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It ends with this process, as its socket does.
    _WORKERS = ForkServer().__enter__()


@contextlib.contextmanager
def _said(file: Path) -> Iterator[None]:
    """Redirect standard output and error to a file."""
    descriptors = os.dup(1), os.dup(2)
    with file.open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    try:
        yield
    finally:
        for number, descriptor in enumerate(descriptors, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
