"""Pages and reports in Chromium: no console errors or outside requests; keyboard; mobile; dark mode; print."""

import re
from pathlib import Path

import pytest

from . import page_checks

PAGES = {
    "/": 0,
    "/run?id=run-4": 9,
    "/run?id=run-2": 7,
    "/run?id=run-3": 7,
    "/run?id=run-5": 3,
    "/node?run=run-4&node=trainer": 0,
    "/models": 0,
    "/artifacts": 0,
    "/compare": 0,
    "/compare?a=run-1&b=run-4": 0,
    "/schedules": 0,
}
"""Page -> minimum number of charts and images."""
KINDS = ("Examples", "Schema", "ExampleStatistics", "ExampleAnomalies", "Model", "ModelEvaluation", "PushedModel")
REPORTS = {"houses/runs/folder-4": 9, "taxi/runs/folder-2": 7, "digits/runs/folder-3": 7, "houses/runs/folder-5": 3}


@pytest.mark.parametrize(("page", "pictures"), PAGES.items())
def test_a_page(tab, address, page, pictures):
    tab.open(address + page)
    page_checks.quiet(tab, address)
    page_checks.charts(tab, pictures)
    page_checks.fits(tab)
    if "run-" not in page or "run-5" in page:
        page_checks.reachable(tab)


@pytest.mark.parametrize("kind", KINDS)
def test_an_artifact_s_page(tab, address, kind):
    tab.open(f"{address}/artifacts?type={kind}")
    target = tab.value("document.querySelector('td a').href")
    tab.open(target)
    page_checks.quiet(tab, address)
    page_checks.charts(tab, 1)
    page_checks.fits(tab)


@pytest.mark.parametrize(("folder", "pictures"), REPORTS.items())
def test_a_report(tab, root, folder, pictures):
    path = root / folder / "report.html"
    tab.open(path.as_uri())
    page_checks.quiet(tab, path.as_uri())
    page_checks.charts(tab, pictures)
    page_checks.fits(tab)
    assert page_checks.reachable(tab) > 5
    for scheme, dark in (("light", False), ("dark", True)):
        tab.color_scheme(scheme)
        colour = tab.value("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", colour)[:3])) < 80) is dark
    tab.color_scheme("light")
    assert tab.paper()[:5] == b"%PDF-"


def test_the_report_of_a_run_over_http_acts_by_its_own_style_alone(tab, address):
    tab.open(f"{address}/report?id=run-4")
    page_checks.quiet(tab, address)
    assert tab.value("getComputedStyle(document.querySelector('.verdict')).borderLeftWidth") == "5px"


def test_a_link_and_a_form_work_by_keyboard(tab, address):
    tab.open(f"{address}/")
    tab.value("document.querySelector('a[href=\"/models\"]').focus()")
    tab.follow("Enter")
    assert tab.value("document.title") == "Models"
    tab.open(f"{address}/")
    tab.value("document.querySelector('select[name=pipeline]').value = 'taxi'")
    tab.value("document.querySelector('form button').focus()")
    tab.follow("Enter")
    assert tab.value("[...document.querySelectorAll('td a')].map(each => each.textContent)") == ["run-2"]


def test_pictures_are_reached_by_folds_below_them(tab, root):
    tab.open((root / "houses/runs/folder-4/report.html").as_uri())
    tab.value("document.querySelector('figure summary').focus()")
    tab.press("Enter")
    assert tab.value("document.querySelector('figure details').open") is True


def test_a_page_that_runs_a_script_would_be_noticed(tab, tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text("<script>alert(1)</script><img src='http://127.0.0.1:9/x.png'><a>no</a>")
    tab.open(page.as_uri())
    assert tab.dialogs == ["1"]
    assert "http://127.0.0.1:9/x.png" in tab.requests
    with pytest.raises(AssertionError):
        page_checks.quiet(tab, page.as_uri())
