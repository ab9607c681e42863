"""Hooks and fixtures that collect the measurements of fault tests as JSON lines, for docs/reference/faults.md."""

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

FILE = "PIPELINE_FIGURES"
"""Environment variable: the file that takes figures and outcomes; without it they are only printed."""


def row_of(item: Any) -> int | None:
    """The row that a test's docstring begins with, as in "Fault 9: ..."."""
    match = re.match(r"Fault (\d+)", item.obj.__doc__ or "")
    return int(match.group(1)) if match else None


def _put(**fields: Any) -> None:
    path = os.environ.get(FILE)
    if path:
        # One write a line: tests may run in several processes.
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(fields) + "\n")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[int, str], None]:
    """Records one figure of a row of the table: `figure(9, "share 0.05 exactly")`."""

    def record(row: int, text: str) -> None:
        print(f"fault {row}: {text}")
        _put(row=row, test=request.node.nodeid, figure=text)

    return record


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Note how each row's tests ended."""
    report: Any = yield
    row = row_of(item)
    if row is not None and (report.when == "call" or report.outcome != "passed"):
        _put(row=row, test=item.nodeid, outcome=report.outcome)
    return report


@pytest.fixture(scope="session")
def warm() -> Any:
    """Run commands without the seconds that imports take; see warm.py."""
    from ..warm import shared

    return shared()
