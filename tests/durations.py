"""Print the slowest test files after the tests, so that whoever shortens them knows where to begin."""

import resource
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

SHOWN = 40
"""Number of files in the summary."""


def processor_seconds() -> float:
    """Return the processor time of this process and of its ended child processes."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Durations:
    """A pytest plugin that sums what the tests of all processes report, with their fixtures."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._processor: Counter[str] = Counter()
        self._before = 0.0

    def pytest_collection_finish(self) -> None:
        self._before = processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Add the processor time since the last report; pytest-xdist sends all fields of a report."""
        report = yield
        now = processor_seconds()
        report.processor_seconds, self._before = now - self._before, now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        path = report.nodeid.partition("::")[0]
        self._seconds[path] += report.duration
        # A test whose process died has a report of another kind.
        self._processor[path] += getattr(report, "processor_seconds", 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if len(self._seconds) <= SHOWN:
            return
        total, processor = sum(self._seconds.values()), sum(self._processor.values())
        terminalreporter.section(
            f"the {SHOWN} slowest of {len(self._seconds)} files ({total:.0f} s in all processes, {processor:.0f} CPU s)"
        )
        for path, seconds in self._seconds.most_common(SHOWN):
            terminalreporter.line(f"{seconds:6.0f} s {self._processor[path]:6.0f} CPU s  {path}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Durations(), "durations-of-files")
