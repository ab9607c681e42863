"""Fixtures: a browser, and a store with synthetic runs."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .devtools import Tab, desktop

MADE = runpy.run_path(str(Path(__file__).parents[1] / "inspection/made.py"))


@pytest.fixture(scope="session")
def tab() -> Iterator[Tab]:
    with desktop() as opened:
        yield opened


@pytest.fixture(scope="session")
def root(tmp_path_factory: Any) -> Path:
    from inspection.report import write_report
    from inspection.run_history import list_runs
    from inspection.store.metadata_store import open_store

    root_folder: Path = tmp_path_factory.mktemp("made")
    MADE["make"](root_folder)
    store = open_store(str(root_folder), None)
    for run in list_runs(store):
        assert run.folder is not None
        write_report.write(store, run.run_id, run.folder)
    return root_folder


@pytest.fixture(scope="session")
def address(root: Path) -> Iterator[str]:
    with MADE["served"](root) as served:
        yield str(served)
