import shlex
import sys

import pytest

import project
from orchestration.cli.parser import parser
from orchestration.schedule import systemd_units
from project import REPOSITORY


def test_a_unit_runs_the_schedule_s_own_command(plan):
    text = systemd_units.systemd(plan(timezone="Europe/Berlin"), "/srv/all runs/100%")
    [line] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    command = shlex.split(line.removeprefix("ExecStart=").replace("%%", "%"))
    assert command[:2] == [sys.executable, f"{REPOSITORY}/runner.py"]
    arguments = parser().parse_args(command[2:])
    assert (arguments.root, arguments.schedule_command, arguments.name) == ("/srv/all runs/100%", "serve", "houses:s")
    assert "Restart=on-failure" in text


def test_a_crontab_line_runs_the_schedule_now(plan):
    text = systemd_units.crontab(plan(cron="@daily", timezone="Europe/Berlin"), "/srv/100%")
    *_, zone, line = text.splitlines()
    assert zone == "CRON_TZ=Europe/Berlin"
    assert line.startswith("0 0 * * * mkdir -p ")
    assert "/srv/100\\%" in line
    command = shlex.split(line.replace("\\%", "%").split(" && ")[1].split(" >> ")[0])
    arguments = parser().parse_args(command[2:])
    assert (arguments.root, arguments.schedule_command, arguments.name) == ("/srv/100%", "run-now", "houses:s")


@pytest.mark.parametrize("write", [systemd_units.systemd, systemd_units.crontab])
def test_the_command_names_a_project_outside_the_repository(plan, monkeypatch, write):
    monkeypatch.setenv(project.VARIABLE, "/srv/my project")
    text = write(plan(), "/srv/my project/runs")
    assert "--project" in text
    assert text.count("/srv/my project") >= 3
    if write is systemd_units.systemd:
        assert "WorkingDirectory=/srv/my project\n" in text
