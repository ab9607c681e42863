"""Pytest plugins of forked processes: measure the lines that each test runs, or run given tests in order."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from .tracing import Lines

COLLECT = "collect"
"""Name for the lines that run while pytest imports a test file."""


class Measuring:
    """Writes the lines of each test and of each fixture that several tests share under names of their own.

    Args:
        lines: Traces this process.

    Attributes:
        tests: Test -> its seconds of a processor, and the shared fixtures that it uses; without those that failed or
            were skipped.
        fixtures: Shared fixture -> its seconds likewise.
        contexts: Test or fixture -> the name of its lines.
        left_out: Tests that failed or were skipped.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines, self._current = lines, COLLECT
        self.left_out: set[str] = set()
        self.tests: dict[str, dict[str, Any]] = {}
        self.fixtures: dict[str, float] = {}
        self.contexts: dict[str, str] = {COLLECT: COLLECT}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record the time and lines of a test."""
        definitions = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009  untyped
        shared = [_name(fixture) for chain in definitions for fixture in chain if fixture.scope != "function"]
        self.tests[item.nodeid] = {"seconds": 0.0, "fixtures": shared}
        self._enter(item.nodeid)
        start = _processors()
        yield
        self.tests[item.nodeid]["seconds"] += _processors() - start
        self._enter("between tests")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Record the time and lines of a shared fixture."""
        if fixturedef.scope == "function":
            yield
            return
        outer, name, start = self._current, _name(fixturedef), _processors()
        if outer in self.tests:
            self.tests[outer]["fixtures"].append(name)
        self._enter(name)
        yield
        seconds = _processors() - start
        self.fixtures[name] = self.fixtures.get(name, 0.0) + seconds
        if outer in self.tests:
            self.tests[outer]["seconds"] -= seconds
        self._enter(outer)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record failed and skipped tests."""
        if not report.passed:
            self.left_out.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Drop tests that do not pass without an edit."""
        self.tests = {name: test for name, test in self.tests.items() if name not in self.left_out}

    def _enter(self, name: str) -> None:
        self._current = name
        self._lines.enter(self.contexts.setdefault(name, f"{len(self.contexts)}"))


def _processors() -> float:
    """Return CPU seconds of this process and its finished children, which do not depend on the load of the machine."""
    return sum(os.times()[:4])


def _name(definition: Any) -> str:
    return f"{definition.baseid}::{definition.argname}"


class Chosen:
    """Runs some tests in the order in which they are named, and records which failed first.

    Args:
        names: Their ids.

    Attributes:
        failed: The first that failed, or the file that could not be imported.
        ran: How many there were.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._order = {name: place for place, name in enumerate(names)}
        self.failed: str | None = None
        self.ran = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Select and order the tests."""
        items[:] = sorted((item for item in items if item.nodeid in self._order), key=lambda i: self._order[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a failure."""
        self.ran += report.when == "call"
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that cannot be imported."""
        if report.failed:
            self.failed = self.failed or report.nodeid
