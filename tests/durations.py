"""Print the slowest test files after the tests, so that whoever shortens them knows where to begin."""

from collections import Counter

import pytest

SHOWN = 40
"""Number of files in the summary."""


class Durations:
    """A pytest plugin that sums what the tests of all processes report, with their fixtures."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if len(self._seconds) <= SHOWN:
            return
        total = sum(self._seconds.values())
        terminalreporter.section(f"the {SHOWN} slowest of {len(self._seconds)} files ({total:.0f} s in all processes)")
        for path, seconds in self._seconds.most_common(SHOWN):
            terminalreporter.line(f"{seconds:6.0f} s  {path}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Durations(), "durations-of-files")
