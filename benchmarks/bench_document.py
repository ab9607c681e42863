"""The benchmark's figures as Markdown."""

import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.timed_process import Measured
from benchmarks.workloads import HOUSES_ROWS, Workload

BEGIN, END = "<!-- make bench begins -->", "<!-- make bench ends -->"
STAGES = {
    "ingestion": "CsvExampleGen",
    "statistics": "StatisticsGen",
    "schema": "ImportSchemaGen",
    "validation": "ExampleValidator",
    "transformation": "Transform",
    "trainer": "Trainer",
    "evaluator": "Evaluator",
    "pusher": "Pusher",
}
"""Our node -> stock's."""
Times = dict[str, list[Measured]]


@dataclass
class Report:
    """All figures.

    Attributes:
        machine: What they were measured on.
        works: Tables, in the order in which they were measured.
        times: By table: whole processes of `ours`, `stock`, `ours again`, `stock again`.
        commands: Seconds of commands, rising.
        floors: As `floors.measure` gives them.
    """

    machine: str
    works: list[Workload] = field(default_factory=list)
    times: dict[str, Times] = field(default_factory=dict)
    commands: dict[str, list[float]] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)

    def add(self, work: Workload, times: Times) -> None:
        """Take a table's."""
        self.works.append(work)
        self.times[work.name] = times

    def text(self) -> str:
        """All tables."""
        parts = [f"{self.machine}.", *self._whole(), *self._stages(), *self._rest()]
        return "\n\n".join(parts) + "\n"

    def _whole(self) -> list[str]:
        names = ["table", "ours, s", "stock, s", "stock / ours", "peak, ours", "peak, stock"]
        names += ["again, ours, s", "again, stock, s", "again, stock / ours"]
        rows = [f"| {' | '.join(names)} |", f"| {' | '.join(['---'] * len(names))} |"]
        for work in self.works:
            times = self.times[work.name]
            stock, note = self._stock(work)
            again = _ratio(_median(times["stock again"]), _median(times["ours again"]))
            rows.append(
                f"| {work.name} | {_range(times['ours'])} | {note or _range(times['stock'])} "
                f"| {_ratio(stock, _median(times['ours']))} | {_peak(times['ours'])} | {_peak(times['stock'])} "
                f"| {_range(times['ours again'])} | {_range(times['stock again'])} | {again} |"
            )
        told = (
            "Whole processes, first run and run again with nothing changed: median, and least to most where there were "
            "several. Peak memory is the proportional set size of all processes together, in MB. * extrapolated from "
            "the two largest tables that stock was run on."
        )
        return [told, "\n".join(rows)]

    def _stock(self, work: Workload) -> tuple[float | None, str]:
        """Seconds of stock, and how to write them where they are extrapolated."""
        known = [(one.rows, _median(self.times[one.name]["stock"])) for one in self.works if one.rows != HOUSES_ROWS]
        measured = [(rows, seconds) for rows, seconds in known if seconds is not None]
        own = _median(self.times[work.name]["stock"])
        if own is not None or len(measured) < 2:
            return own, ""
        (rows, seconds), (more, longer) = measured[-2:]
        guess = longer + (longer - seconds) / (more - rows) * (work.rows - more)
        return guess, f"{guess:,.0f} *"

    def _stages(self) -> list[str]:
        parts = []
        for work in self.works:
            rows = ["| stage | ours, s | rows/s | stock, s | stock / ours |", "| --- | --- | --- | --- | --- |"]
            for node, stock in STAGES.items():
                ours, theirs = work.ours.get(node), work.stock.get(stock)
                if ours is None:
                    continue
                rows.append(
                    f"| {node} | {ours:.2f} | {work.rows / ours:,.0f} | {'' if theirs is None else f'{theirs:.1f}'} "
                    f"| {_ratio(theirs, ours)} |"
                )
            rest = (_median(self.times[work.name]["ours"]) or 0) - sum(work.ours.values())
            spent = _median(self.times[work.name]["stock"])
            other = None if spent is None else spent - sum(work.stock.values())
            rows.append(
                f"| start and end | {rest:.2f} | | {'' if other is None else f'{other:.1f}'} | {_ratio(other, rest)} |"
            )
            parts += [f"Stages, {work.name}, last first run:", "\n".join(rows)]
        return parts

    def _rest(self) -> list[str]:
        parts = []
        if self.commands:
            told = [f"`runner.py {name}` {values[len(values) // 2]:.2f} s" for name, values in self.commands.items()]
            parts.append(f"Commands, median of {len(next(iter(self.commands.values())))}: {', '.join(told)}.")
        if self.floors:
            floor = self.floors
            parts.append(
                f"Limits of the machine: pyarrow reads {floor['read']:,.0f} rows/s of the made CSV "
                f"({floor['read one']:,.0f} with one thread), zlib compresses {floor['gzip']:,.0f} MB/s of it, "
                f"a process that imports TensorFlow alone takes {floor['tensorflow']:.1f} s, one that imports tfx.v1 "
                f"{floor['tfx']:.1f} s."
            )
        return parts


def write(path: Path, text: str) -> None:
    """Put the figures between the marks of a document."""
    before = path.read_text(encoding="utf-8")
    mended = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{text}\n{END}", before, flags=re.DOTALL)
    path.write_text(mended, encoding="utf-8")


def _median(found: list[Measured]) -> float | None:
    return statistics.median(each.seconds for each in found) if found else None


def _range(found: list[Measured]) -> str:
    if not found:
        return ""
    times = sorted(each.seconds for each in found)
    ends = f" ({times[0]:.1f} to {times[-1]:.1f})" if len(times) > 1 else ""
    return f"{statistics.median(times):.1f}{ends}"


def _peak(found: list[Measured]) -> str:
    return f"{max(each.peak for each in found) / 1e6:,.0f}" if found else ""


def _ratio(theirs: float | None, ours: float | None) -> str:
    return f"{theirs / ours:.1f}" if theirs is not None and ours else ""
