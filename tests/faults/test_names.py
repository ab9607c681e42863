"""Names that contain markup, in Chromium: they must be escaped."""

import runpy
import urllib.parse
from pathlib import Path

import pytest

from inspection.report import write_report
from inspection.run_history import list_runs
from inspection.store.metadata_store import open_store

TESTS = Path(__file__).parents[1]
MADE = runpy.run_path(str(TESTS / "inspection/made.py"))
DEVTOOLS = runpy.run_path(str(TESTS / "browser/devtools.py"))
CHECKS = runpy.run_path(str(TESTS / "browser/page_checks.py"))
TEXTS = (MADE["SCRIPT"], MADE["QUOTES"], MADE["CLIMB"])


@pytest.fixture
def tab():
    path = DEVTOOLS["browser_path"]()
    if path is None:
        pytest.skip("no browser: install one with `apt-get install -y --no-install-recommends chromium`")
    with DEVTOOLS["browser"](path) as opened:
        yield opened


def test_names_with_markup_are_shown_as_text(tab, tmp_path, figure):
    """Fault 33: columns, values, runs and reasons of markup, quotes and ../ on every page and in every report."""
    MADE["make"](tmp_path, hostile=True)
    store = open_store(str(tmp_path), None)
    for run in list_runs(store):
        write_report.write(store, run.run_id, run.folder)
    runs = [run.run_id for run in list_runs(store)]
    pages = ["/", "/models", "/artifacts", "/compare", "/schedules"]
    pages += [f"/run?{urllib.parse.urlencode({'id': run})}" for run in runs]
    pages += [
        f"/node?{urllib.parse.urlencode({'run': run, 'node': node})}"
        for run in runs[:2]
        for node in ("ingestion", "validation")
    ]
    pages += [f"/compare?{urllib.parse.urlencode({'a': runs[-1], 'b': runs[1]})}"]
    pages += [f"/artifact?id={artifact.id}" for artifact in store.newest_artifacts(None)]
    pages += [f"/{word}?id={urllib.parse.quote(text)}" for word in ("run", "artifact", "report") for text in TEXTS]
    pages += [f"/?pipeline={urllib.parse.quote(text)}&page={urllib.parse.quote(text)}" for text in TEXTS]
    reports = sorted(tmp_path.glob("*/runs/*/report.html"))
    texts_shown, dialogs = set(), 0
    with MADE["served"](tmp_path) as address:
        addresses = [(address + page, address) for page in pages] + [(path.as_uri(), path.as_uri()) for path in reports]
        for place, origin in addresses:
            tab.open(place)
            dialogs += len(tab.dialogs)
            tab.problems = [
                problem for problem in tab.problems if "404" not in problem
            ]  # there is no run of such a name
            CHECKS["quiet"](tab, origin)
            assert tab.value("document.querySelectorAll('img[src=x], [onerror], script').length") == 0, place
            text = tab.value("document.documentElement.textContent")
            texts_shown |= {problem for problem in TEXTS if problem in text}
    figure(33, f"{len(addresses)} pages and reports, {dialogs} dialogs, 0 elements out of names")
    assert dialogs == 0
    assert len(reports) == 5
    assert texts_shown == set(TEXTS)
