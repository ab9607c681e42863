"""Points in time have one form in all outputs and records: UTC, whatever the zone of the machine."""

import calendar
import re
import time

import pytest

from inspection import inspect_parser
from orchestration import paths
from orchestration.cli import parser
from serving import versions

TIME = re.compile(r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\s",]*')
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
COMMANDS = ("inspect runs", "inspect show latest", "push flats", "schedule list", "schedule history")


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    """A zone that is half a day away from UTC."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def used(flats):
    """A root with a scheduled run that preflight refused, and a version that serves."""
    flats.config(flats.CONFIG + '[[schedule]]\nname = "daily"\ncron = "0 6 * * *"\ntimezone = "Europe/Berlin"\n')
    flats.data("area,town,rent\n" + flats.rows(40))
    assert parser.main(["schedule", "run-now", "flats:daily", "--root", str(flats.runs)]) == 2
    model = flats.root / "model"
    model.mkdir()
    (model / "saved_model.pb").write_text("weights")
    versions.place(str(model), str(flats.runs / "flats/serving"), check=lambda _: None)
    return flats


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize("command", COMMANDS)
def test_times_of_every_command_are_in_utc(command, more, used, capsys):
    capsys.readouterr()
    assert parser.main([*command.split(), "--root", str(used.runs), *more]) == 0
    times = TIME.findall(capsys.readouterr().out)
    assert times
    assert [moment for moment in times if not UTC.fullmatch(moment)] == []
    if command != "schedule list" or more:
        assert any(abs(time.time() - seconds(moment)) < 600 for moment in times)


def seconds(moment):
    return calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))


def test_times_of_records_and_names_of_runs_are_in_utc(used):
    [record] = (used.runs / "flats/runs").glob("*/run.json")
    times = TIME.findall(record.read_text())
    assert [moment for moment in times if not UTC.fullmatch(moment)] == []
    assert abs(seconds(times[0]) - time.time()) < 600
    for run_id in (record.parent.name, paths.new_run_id()):
        assert abs(calendar.timegm(time.strptime(run_id[:15], "%Y%m%d-%H%M%S")) - time.time()) < 600


def test_a_time_of_an_output_is_accepted_as_since():
    assert inspect_parser._since("2026-01-31T06:00:00Z").timestamp() == seconds("2026-01-31T06:00:00Z")
