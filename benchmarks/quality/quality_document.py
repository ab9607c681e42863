"""Results of `make quality` as Markdown."""

import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.boosted_trees import TREES
from benchmarks.quality.tables import TABLES, Table, used

BEGIN, END = "<!-- make quality begins -->", "<!-- make quality ends -->"
OURS = "ours"
LEAST = 1e-3
"""Error that counts for a lower one in ratios: a ratio of two errors near 0 is noise."""


@dataclass(frozen=True)
class Result:
    """One table with one seed.

    Attributes:
        table: Name of the table.
        seed: Seed of training and split.
        config: Digest of the proposed config.
        network: Name of the proposed network.
        seconds: Processor time of the whole run.
        metric: Name of the error.
        rows: Split -> rows.
        errors: Model -> its error on the test rows.
        tree_seconds: Library -> processor time of fit and prediction.
        bytes: Size of the SavedModel.
        one_row: Microseconds of processor time for a request of one row.
        many_rows: Microseconds for each row of a batch of 4,096.
    """

    table: str
    seed: int
    config: str
    network: str
    seconds: float
    metric: str
    rows: Mapping[str, int]
    errors: Mapping[str, float]
    tree_seconds: Mapping[str, float]
    bytes: float
    one_row: float
    many_rows: float


def text(results: Sequence[Result], machine: str) -> str:
    """Return tables of both halves as Markdown.

    Args:
        results: Measured results.
        machine: Description of the machine.
    """
    parts = [f"{machine}."]
    for title, half in (("Used while choosing defaults", True), ("Run at the end", False)):
        results_by_table = {table: of for table in TABLES if used(table) is half and (of := _of_table(results, table))}
        missing = [table.name for table in TABLES if used(table) is half and table not in results_by_table]
        parts.append(f"### {title}")
        if results_by_table:
            parts += [_errors(results_by_table), summary(results_by_table), _costs(results_by_table)]
        if missing:
            parts.append(f"Not measured: {', '.join(missing)}.")
    return "\n\n".join(parts) + "\n"


def _of_table(results: Iterable[Result], table: Table) -> list[Result]:
    return [result for result in results if result.table == table.name]


def mean_errors(results: Sequence[Result]) -> dict[str, float]:
    """Return model -> the mean of its errors over the seeds of one table."""
    return {model: statistics.fmean(result.errors[model] for result in results) for model in (OURS, *TREES)}


def ratio(error: float, tree_error: float) -> float:
    """Return our error relative to another; below 1 is better."""
    return max(error, LEAST) / max(tree_error, LEAST)


def ranks(errors: Mapping[str, float]) -> dict[str, float]:
    """Return model -> its place, 1 for the least error; equal errors share their mean place."""
    return {
        model: 1
        + sum(other_error < error for other_error in errors.values())
        + (sum(other_error == error for other_error in errors.values()) - 1) / 2
        for model, error in errors.items()
    }


def _errors(results_by_table: Mapping[Table, list[Result]]) -> str:
    names = ["table", "train rows", "error", "network", "seeds", OURS, *TREES, *(f"ours / {tree}" for tree in TREES)]
    lines = [f"| {' | '.join(names)} |", f"| {' | '.join(['---'] * len(names))} |"]
    for table, results in results_by_table.items():
        errors = mean_errors(results)
        example = results[0]
        networks = ", ".join(sorted({result.network for result in results}))
        cells = [table.name, f"{example.rows['train']:,}", example.metric, networks, str(len(results))]
        cells += [f"{errors[model]:.4g}" for model in (OURS, *TREES)]
        cells += [f"{ratio(errors[OURS], errors[tree]):.3f}" for tree in TREES]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(results_by_table: Mapping[Table, Sequence[Result]]) -> str:
    """Return mean ranks and geometric means of error ratios over tables."""
    errors = [mean_errors(results) for results in results_by_table.values()]
    places = [ranks(of) for of in errors]
    lines = ["| model | mean rank | ours / it, geometric mean | ours / it, worst |", "| --- | --- | --- | --- |"]
    for model in (OURS, *TREES):
        ratios = [ratio(of[OURS], of[model]) for of in errors]
        means = f"{math.exp(statistics.fmean(map(math.log, ratios))):.3f} | {max(ratios):.3f}" if model != OURS else "|"
        lines.append(f"| {model} | {statistics.fmean(place[model] for place in places):.2f} | {means} |")
    return "\n".join(lines)


def _costs(results_by_table: Mapping[Table, list[Result]]) -> str:
    names = ["table", "whole run, CPU s", *(f"{tree}, CPU s" for tree in TREES)]
    names += ["SavedModel, kB", "one row, µs", "row of 4,096, µs"]
    lines = [f"| {' | '.join(names)} |", f"| {' | '.join(['---'] * len(names))} |"]
    for table, results in results_by_table.items():
        cells = [f"{statistics.median(result.seconds for result in results):.0f}"]
        cells += [f"{statistics.median(result.tree_seconds[tree] for result in results):.1f}" for tree in TREES]
        cells += [f"{results[0].bytes / 1e3:,.0f}", f"{min(result.one_row for result in results):,.0f}"]
        cells.append(f"{min(result.many_rows for result in results):.1f}")
        lines.append(f"| {' | '.join([table.name, *cells])} |")
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Write the results between the markers of a document."""
    document = path.read_text(encoding="utf-8")
    updated = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{text}\n{END}", document, flags=re.DOTALL)
    path.write_text(updated, encoding="utf-8")
