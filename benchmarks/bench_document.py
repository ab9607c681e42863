"""Results of the benchmarks as Markdown."""

import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import bench_prediction, bench_serving
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
"""Our node -> the stock component."""
Times = dict[str, list[Measured]]
WHAT = (
    *("ours", "stock", "by hand", "ours again", "stock again"),
    *("ours, network", "by hand, network", "ours, new rows", "by hand, new rows"),
)
"""What is measured of a table."""
BY_HAND = {
    "first run": ("ours", "by hand"),
    "[network] changed, warm process": ("ours, network", "by hand, network"),
    "new rows, same config": ("ours, new rows", "by hand, new rows"),
}
"""Row of the comparison with a script -> what it compares."""


@dataclass
class Report:
    """Results of all benchmarks.

    Attributes:
        machine: Description of the machine.
        works: Tables, in the order of measurement.
        times: Table -> measurements of whole processes, by `WHAT`.
        commands: Command -> its times in seconds, sorted.
        floors: Results of `floors.measure`.
        serving: Results of `bench_serving.measure`; empty without the table houses.
        prediction: Result of `bench_prediction.measure`; None without that table.
    """

    machine: str
    works: list[Workload] = field(default_factory=list)
    times: dict[str, Times] = field(default_factory=dict)
    commands: dict[str, list[float]] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)
    serving: list[bench_serving.Served] = field(default_factory=list)
    prediction: bench_prediction.Report | None = None

    def add(self, work: Workload, times: Times) -> None:
        """Add the measurements of a table."""
        self.works.append(work)
        self.times[work.name] = times

    def text(self) -> str:
        """Return all tables as Markdown."""
        tables = [*self._processes(), *self._by_hand(), *self._stages()]
        return "\n\n".join([f"{self.machine}.", *tables, *self._commands_and_limits()]) + "\n"

    def _processes(self) -> list[str]:
        names = ["table", "ours, s", "stock, s", "stock / ours", "peak, ours", "peak, stock"]
        names += ["again, ours, s", "again, stock, s", "again, stock / ours"]
        rows = [f"| {' | '.join(names)} |", f"| {' | '.join(['---'] * len(names))} |"]
        for work in self.works:
            times = self.times[work.name]
            stock, note = self._stock(work)
            rerun_ratio = _ratio(_median(times["stock again"]), _median(times["ours again"]))
            rows.append(
                f"| {work.name} | {_range(times['ours'])} | {note or _range(times['stock'])} "
                f"| {_ratio(stock, _median(times['ours']))} | {_peak(times['ours'])} | {_peak(times['stock'])} "
                f"| {_range(times['ours again'])} | {_range(times['stock again'])} | {rerun_ratio} |"
            )
        note = (
            "Whole processes, first run and second run without changes: median, and range if there were several. Peak "
            "memory is the proportional set size of all processes, in MB. * extrapolated from the two largest tables "
            "measured with stock TFX."
        )
        return [note, "\n".join(rows)]

    def _by_hand(self) -> list[str]:
        rows = ["| table | run | ours, s | by hand, s | ours / by hand |", "| --- | --- | --- | --- | --- |"]
        for work in self.works:
            times = self.times[work.name]
            for run, (our_series, script_series) in BY_HAND.items():
                ratio = _ratio(_median(times[our_series]), _median(times[script_series]), digits=2)
                rows.append(
                    f"| {work.name} | {run} | {_range(times[our_series])} | {_range(times[script_series])} | {ratio} |"
                )
        note = (
            "Against a script written by hand (benchmarks/by_hand.py: pandas, scikit-learn, the same network, epochs "
            "and batch size, an exported model): whole processes. The script starts anew for each row. New rows are "
            "the table without its first twentieth."
        )
        return [note, "\n".join(rows)]

    def _stock(self, work: Workload) -> tuple[float | None, str]:
        """Return the seconds of stock TFX, and their text if they are extrapolated."""
        medians = [
            (workload.rows, _median(self.times[workload.name]["stock"]))
            for workload in self.works
            if workload.rows != HOUSES_ROWS
        ]
        measured = [(rows, seconds) for rows, seconds in medians if seconds is not None]
        stock_seconds = _median(self.times[work.name]["stock"])
        if stock_seconds is not None or len(measured) < 2:
            return stock_seconds, ""
        (rows, seconds), (more_rows, more_seconds) = measured[-2:]
        extrapolated = more_seconds + (more_seconds - seconds) / (more_rows - rows) * (work.rows - more_rows)
        return extrapolated, f"{extrapolated:,.0f} *"

    def _stages(self) -> list[str]:
        parts = []
        for work in self.works:
            rows = ["| stage | ours, s | rows/s | stock, s | stock / ours |", "| --- | --- | --- | --- | --- |"]
            for node, stock in STAGES.items():
                our_seconds, stock_seconds = work.ours.get(node), work.stock.get(stock)
                if our_seconds is None:
                    continue
                rows.append(
                    f"| {node} | {our_seconds:.2f} | {work.rows / our_seconds:,.0f} | {_seconds(stock_seconds)} "
                    f"| {_ratio(stock_seconds, our_seconds)} |"
                )
            overhead = (_median(self.times[work.name]["ours"]) or 0) - sum(work.ours.values())
            total = _median(self.times[work.name]["stock"])
            stock_overhead = None if total is None else total - sum(work.stock.values())
            ratio = _ratio(stock_overhead, overhead)
            rows.append(f"| start and end | {overhead:.2f} | | {_seconds(stock_overhead)} | {ratio} |")
            parts += [f"Stages, {work.name}, last first run:", "\n".join(rows)]
        return parts

    def _commands_and_limits(self) -> list[str]:
        parts = [bench_serving.table(self.serving)] if self.serving else []
        parts += [bench_prediction.table(self.prediction)] if self.prediction else []
        if self.commands:
            times = [f"`runner.py {name}` {values[len(values) // 2]:.2f} s" for name, values in self.commands.items()]
            parts.append(f"Commands, median of {len(next(iter(self.commands.values())))}: {', '.join(times)}.")
        if self.floors:
            floor = self.floors
            parts.append(
                f"Limits of the machine: pyarrow reads {floor['read']:,.0f} rows/s of the generated CSV "
                f"({floor['read one']:,.0f} with one thread), zlib compresses {floor['gzip']:,.0f} MB/s of it, "
                f"a process that only imports TensorFlow takes {floor['tensorflow']:.1f} s, one that imports tfx.v1 "
                f"{floor['tfx']:.1f} s."
            )
        return parts


def write(path: Path, text: str) -> None:
    """Write the results between the markers of a document."""
    document = path.read_text(encoding="utf-8")
    updated = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{text}\n{END}", document, flags=re.DOTALL)
    path.write_text(updated, encoding="utf-8")


def _median(measurements: list[Measured]) -> float | None:
    return statistics.median(measurement.seconds for measurement in measurements) if measurements else None


def _range(measurements: list[Measured]) -> str:
    if not measurements:
        return ""
    times = sorted(measurement.seconds for measurement in measurements)
    limits = f" ({times[0]:.1f} to {times[-1]:.1f})" if len(times) > 1 else ""
    return f"{statistics.median(times):.1f}{limits}"


def _peak(measurements: list[Measured]) -> str:
    return f"{max(measurement.peak for measurement in measurements) / 1e6:,.0f}" if measurements else ""


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _ratio(numerator: float | None, denominator: float | None, digits: int = 1) -> str:
    return f"{numerator / denominator:.{digits}f}" if numerator is not None and denominator else ""
