"""A pipeline's score, and the document of all of them."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from .runs import Job, Result

SALTS = ("", "a", "b", "c", "d")
"""Divisions of the rows over which the scores of small tables are averaged, fixed before any was seen."""


@dataclasses.dataclass(frozen=True)
class Score:
    """One line of the document.

    Attributes:
        name: The pipeline, with its variant.
        reached: What its model reaches.
        plain: What a plain model reaches on the same rows.
        demand: What must hold.
        ok: Whether it holds; None where nothing was run.
        seconds: Of the runs, summed up.
    """

    name: str
    reached: str
    plain: str
    demand: str
    ok: bool | None
    seconds: float


@dataclasses.dataclass(frozen=True)
class Scored:
    """A shipped pipeline with what it must reach.

    Attributes:
        name: The pipeline.
        jobs: Its runs.
        judge: Makes scores of the runs' results, which come in the order of the jobs.
        needs: File that a clone does not have and the user brings; None where the clone is enough.
    """

    name: str
    jobs: tuple[Job, ...]
    judge: Callable[[Sequence[Result]], list[Score]]
    needs: Path | None = None

    def absent(self) -> Score:
        """The line of a pipeline whose data is not here."""
        file = self.needs.name if self.needs else ""
        return Score(self.name, f"not run: {file} stays with the user", "", "", None, 0.0)


def salted(
    pipeline: str, *, variant: str | None = None, data_root: Path | None = None, salts: Iterable[str] = SALTS
) -> tuple[Job, ...]:
    """One job a salt."""
    return tuple(Job(pipeline, variant, (f'data.split.salt="{salt}"',), data_root) for salt in salts)


def mean_of(values: Sequence[float], digits: int) -> str:
    """The mean, and in brackets what it is over."""
    single = ", ".join(f"{value:.{digits}f}" for value in values)
    return f"{np.mean(values):.{digits}f} ({single})"


def document(scores: Iterable[Score], seconds: float) -> str:
    """The scores as Markdown.

    Args:
        scores: In the order in which they are shown.
        seconds: That all of it took.
    """
    when, minutes = time.strftime("%Y-%m-%d"), f"{seconds / 60:.0f} minutes"
    lines = [
        "# Scores",
        "",
        f"Written by `make scores` on {when}, in {minutes} on {os.cpu_count()} cores: each pipeline from nothing, on",
        "its test split, beside a plain model on the same rows and columns. Seeds, splits and thresholds are those of",
        "the configs; figures in brackets are those of the salts that the mean is over. Seconds are those of the runs,",
        "summed up; two run at a time.",
        "",
        "| pipeline | reached | plain model | must reach | holds | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    words = {True: "yes", False: "**no**", None: "not run"}
    for score in scores:
        cells = [score.name, score.reached, score.plain, score.demand, words[score.ok], f"{score.seconds:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
