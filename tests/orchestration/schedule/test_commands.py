import json

import pytest

from errors import UserError
from inspection.read import schedule_history
from orchestration.cli import parser
from orchestration.cli import schedule_command as commands
from orchestration.cli.parser import main as run_command
from orchestration.schedule import fire, plans, service


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder of configs with one that has schedules."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "flats.toml").write_text(
        '[data]\npath = "flats.csv"\n[features]\nnumeric = [{column = "area"}]\n[label]\ncolumn = "price"\n'
        '[[schedule]]\nname = "nightly"\ncron = "30 2 * * *"\ntimezone = "Europe/Berlin"\n'
        '[[schedule]]\nname = "watch"\non = "new-span"\n'
    )
    (tmp_path / "configs" / "other.toml").write_text("not even TOML")
    every_plan = plans.all_plans
    monkeypatch.setattr(plans, "all_plans", lambda **options: every_plan(str(tmp_path), **options))
    return tmp_path


def run(tree, *arguments):
    return parser.main(["--root", str(tree / "runs"), "schedule", *arguments])


def test_schedules_are_listed_paused_and_resumed_with_their_history(tree, capsys):
    assert run(tree, "list") == 0
    out = capsys.readouterr().out
    assert "flats:nightly" in out
    assert "Europe/Berlin" in out
    assert run(tree, "list", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["schedule"] for row in printed["schedules"]] == ["flats:nightly", "flats:watch"]
    assert (printed["schedules"][0]["times"], printed["schedules"][0]["paused"]) == ("30 2 * * *", False)
    assert run(tree, "history", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(tree, "pause", "nightly") == 0
    run(tree, "list")
    assert "paused" in capsys.readouterr().out
    [row] = schedule_history.schedules(str(tree / "runs"))
    assert (row.name, row.pipeline, row.paused, row.settings["cron"]) == ("flats:nightly", "flats", True, "30 2 * * *")
    run(tree, "resume", "flats:nightly")
    assert not schedule_history.schedules(str(tree / "runs"))[0].paused


def test_the_next_times_use_the_time_zone_of_the_schedule(tree, capsys):
    run(tree, "next", "nightly", "-n", "3")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    # 02:30 does not exist in the night in which summer time begins.
    assert all(line.endswith(("02:30 CET", "02:30 CEST", "03:00 CEST")) for line in lines), lines
    assert run(tree, "next", "nightly", "-n", "2", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["schedule"], printed["timezone"]) == ("flats:nightly", "Europe/Berlin")
    assert {moment[10:] for moment in printed["next"]} <= {"T00:30:00.000Z", "T01:00:00.000Z", "T01:30:00.000Z"}
    assert len(printed["next"]) == 2


def test_the_error_of_an_unknown_schedule_names_the_closest_one(tree, capsys):
    assert run(tree, "next", "nightlyy") == 2
    assert "there is no schedule 'nightlyy'. Did you mean 'flats:nightly'?" in capsys.readouterr().err


def test_an_invalid_config_does_not_hide_others(tree, capsys):
    (tree / "configs" / "broken.toml").write_text("[[schedule]]\nname = ")
    assert run(tree, "list") == 2
    printed = capsys.readouterr()
    assert "flats:nightly" in printed.out
    assert printed.err.startswith("error: configs/broken.toml: this is not TOML")
    assert run(tree, "next", "nightly") == 0
    assert run(tree, "next", "broken:nightly") == 2
    assert "configs/broken.toml: this is not TOML" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["systemd", "crontab"])
def test_a_path_that_would_break_a_crontab_line_is_rejected(tree, capsys, command):
    assert run_command(["--root", str(tree / "a\n* * * * * touch x"), "schedule", command, "nightly"]) == 2
    assert "contains a control character" in capsys.readouterr().err


def test_run_now_runs_in_this_process_and_is_in_the_history(tree, capsys, monkeypatch):
    seen_values = []
    monkeypatch.setattr(fire.unchanged_inputs, "fingerprint", lambda *_: "a")
    monkeypatch.setattr(
        fire._Process, "__call__", lambda self, plan, timeout, log: (seen_values.append(plan.name), 0)[1]
    )
    assert run(tree, "run-now", "nightly") == 0
    assert run(tree, "history") == 0
    out = capsys.readouterr().out
    assert seen_values == ["flats:nightly"]
    assert "COMPLETE" in out
    monkeypatch.setattr(fire._Process, "__call__", lambda self, plan, timeout, log: (open(log, "w").close(), 4)[1])
    monkeypatch.setattr(fire.unchanged_inputs, "fingerprint", lambda *_: "b")
    assert run(tree, "run-now", "nightly") == 4
    # The code of the run, such as 5 for a missing right.
    monkeypatch.setattr(fire._Process, "__call__", lambda self, plan, timeout, log: (open(log, "w").close(), 5)[1])
    assert run(tree, "run-now", "nightly") == 5
    monkeypatch.setattr(fire._Process, "__call__", lambda self, plan, timeout, log: (open(log, "w").close(), -9)[1])
    assert run(tree, "run-now", "nightly") == 4


def test_times_on_the_command_line_are_validated(tmp_path, capsys):
    arguments = ["--local", "--schedule", "0 3 * *", "--root", str(tmp_path)]
    assert parser.main(arguments) == 2
    assert "--schedule: '0 3 * *' has 4 fields" in capsys.readouterr().err
    assert parser.main(["--local", "--schedule", "--sample", "5", "--root", str(tmp_path)]) == 2
    assert "change the runs of one pipeline: add its times" in capsys.readouterr().err


def test_a_scheduler_without_schedules_is_refused(tmp_path):
    with pytest.raises(UserError, match="there is no schedule: add for example"):
        service.serve(str(tmp_path), lambda: plans.Plans([]), None)


def test_options_of_a_run_apply_to_each_scheduled_run():
    arguments = parser.parser().parse_args(
        ["--local", "--schedule", "@daily", "--set", "training.epochs=1", "--sample", "9", "--no-cache"]
    )
    assert commands._run_options(arguments) == ("--no-cache", "--set", "training.epochs=1", "--sample", "9")


@pytest.mark.parametrize(
    ("folder", "passed"), [("gs://bucket/data", "gs://bucket/data"), ("data", "{here}/data"), ("/data", "/data")]
)
def test_the_data_of_scheduled_runs_is_where_the_command_was_given(tmp_path, monkeypatch, folder, passed):
    monkeypatch.chdir(tmp_path)
    arguments = parser.parser().parse_args(["--local", "--schedule", "@daily", "--data-root", folder])
    assert commands._run_options(arguments) == ("--data-root", passed.format(here=tmp_path))


def test_an_uneven_cron_step_is_explained_next_to_the_times(tree, capsys):
    config = tree / "configs" / "flats.toml"
    config.write_text(config.read_text().replace("30 2 * * *", "*/45 * * * *"))
    note = "'*/45' is not every 45 minutes: steps start again with each hour"
    assert run(tree, "list") == 0
    assert capsys.readouterr().err.startswith(f"flats:nightly: {note}")
    assert run(tree, "next", "nightly") == 0
    assert capsys.readouterr().err.startswith(note)
