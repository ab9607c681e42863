"""Scores of pipelines, and the document with all scores."""

import dataclasses
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from .score_runs import Job, Result

SALTS = ("", "a", "b", "c", "d")
"""Salts of the splits over which scores of small tables are averaged, fixed before any score was known."""
_WHOLE = re.compile(r"A whole run took .*")


@dataclasses.dataclass(frozen=True)
class Score:
    """One line of the document.

    Attributes:
        name: The pipeline, with its variant.
        reached: Metrics of the model.
        plain: Metrics of the baseline on the same rows.
        demand: The threshold.
        ok: Whether the threshold is met; None if the pipeline was not run.
        seconds: Sum of the durations of its runs.
    """

    name: str
    reached: str
    plain: str
    demand: str
    ok: bool | None
    seconds: float


@dataclasses.dataclass(frozen=True)
class Scored:
    """A shipped pipeline with its runs and thresholds.

    Attributes:
        name: The pipeline.
        jobs: Its runs.
        judge: Computes scores from the results of the runs, in the order of the jobs.
        needs: File that is not in the repository; None if the repository has all data.
    """

    name: str
    jobs: tuple[Job, ...]
    judge: Callable[[Sequence[Result]], list[Score]]
    needs: Path | None = None

    def absent(self) -> Score:
        """Return the score of a pipeline whose data is missing."""
        file = self.needs.name if self.needs else ""
        return Score(self.name, f"not run: {file} stays with the user", "", "", None, 0.0)


def salted(
    pipeline: str, *, variant: str | None = None, data_root: Path | None = None, salts: Iterable[str] = SALTS
) -> tuple[Job, ...]:
    """Return a job for each salt."""
    return tuple(Job(pipeline, variant, (f'data.split.salt="{salt}"',), data_root) for salt in salts)


def mean_of(values: Sequence[float], digits: int) -> str:
    """Format the mean, with the single values in brackets."""
    single = ", ".join(f"{value:.{digits}f}" for value in values)
    return f"{np.mean(values):.{digits}f} ({single})"


def document(
    scores: Sequence[Score], order: Sequence[str], former: str = "", total_seconds: float | None = None
) -> str:
    """The scores as Markdown.

    Args:
        scores: Those made now.
        order: All pipelines in the order in which they are shown.
        former: The document as it was: lines of pipelines that are not among the scores are kept.
        total_seconds: Seconds that it took, where everything was run.
    """
    today = time.strftime("%Y-%m-%d")
    duration_line = _WHOLE.search(former)
    took = duration_line[0] if duration_line else ""
    if total_seconds is not None:
        took = f"A whole run took {total_seconds / 60:.0f} minutes on {os.cpu_count()} cores on {today}."
    head = [
        "# Scores",
        "",
        "Written by `make scores`: each pipeline from scratch, on its test split, beside a plain model on the same",
        "rows and columns. Seeds, splits and thresholds are those of the configs and of tests/scores, fixed before a",
        "score was seen. Figures in brackets are those of the single salts; the figure before them is their mean.",
        f"Seconds are the sum over the runs; two run at a time. {took}".rstrip(),
        "",
        "| pipeline | reached | plain model | must reach | holds | seconds | measured |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    pipelines = {_pipeline(score.name) for score in scores}
    lines = [line for line in former.splitlines() if _row(line) in order and _row(line) not in pipelines]
    words = {True: "yes", False: "**no**", None: "not run"}
    for score in scores:
        cells = [score.name, score.reached, score.plain, score.demand, words[score.ok], f"{score.seconds:.0f}", today]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*head, *sorted(lines, key=lambda line: order.index(_row(line)))]) + "\n"


def _pipeline(name: str) -> str:
    """Return the pipeline of a name with a variant: exam for exam-pass."""
    return name.partition("-")[0]


def _row(line: str) -> str:
    """Return the pipeline of a table row; empty for other lines."""
    return _pipeline(line.split(" | ")[0].removeprefix("| ")) if line.startswith("| ") else ""
