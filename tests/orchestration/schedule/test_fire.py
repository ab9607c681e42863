import json
import os
import subprocess
import sys
import time

import pytest

import project
from inspection import run_files
from inspection.read import schedule_history
from orchestration.schedule import fire
from orchestration.schedule.schedule_state import State
from tests import processes


@pytest.fixture
def notifications(tmp_path):
    """A notification command that records its input, and the recorded lines."""
    path = tmp_path / "told"
    lines = lambda: [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []  # noqa: E731
    return {"command": f"cat >> '{path}'"}, lines


@pytest.fixture
def prints(monkeypatch):
    """The digest of what a run depends on."""
    fingerprint = {"now": "a"}
    monkeypatch.setattr(fire.unchanged_inputs, "fingerprint", lambda *_: fingerprint["now"])
    return fingerprint


@pytest.fixture
def carry_out(state, prints, run_json):
    """A function that executes one fire whose attempts exit with given codes; returns its result and pauses."""

    def run(plan, *codes, pushed="/serving/1", pusher="COMPLETE"):
        state.remember(plan, 0.0)
        number = state.add(plan.name, time.time())
        remaining, pauses = list(codes), []

        def attempt(plan, timeout, log):
            code = remaining.pop(0)
            if code is None:
                raise TimeoutError
            words = {0: ("COMPLETE", "it holds"), 3: ("NOT_BLESSED", "too bad"), 4: ("FAILED", "stage trainer failed")}
            if code in words:
                word, reason = words[code]
                outcome = {"pushed": pushed if code == 0 else None}
                run_json(f"run-{number}-{len(remaining)}", pusher, state=word, reason=reason, outcome=outcome)
            else:
                with open(log, "w") as file:
                    file.write("configs/houses.toml: it is wrong\n")
            return code

        result = fire.carry_out(state, number, attempt=attempt, sleep=pauses.append)
        assert not remaining or result.state == "UNCHANGED"
        return result, pauses

    return run


def test_a_successful_run_is_notified_and_not_repeated_without_a_change(
    carry_out, plan, state, prints, notifications, tmp_path
):
    notify, lines = notifications
    (tmp_path / "houses" / "serving" / "1").mkdir(parents=True)
    result, _ = carry_out(plan(notify), 0)
    assert (result.state, result.pushed) == ("COMPLETE", "/serving/1")
    assert [line["event"] for line in lines()] == ["push"]
    assert lines()[0]["text"] == "houses:s pushed a version: /serving/1"

    result, _ = carry_out(plan(notify), 0)
    assert result.state == "UNCHANGED"
    assert "data, config, schema and code have not changed since run run-1-0 (COMPLETE)" in result.reason
    assert len(lines()) == 1
    prints["now"] = "b"
    assert carry_out(plan(notify), 0)[0].state == "COMPLETE"
    (tmp_path / "houses" / "serving" / "1").rmdir()
    assert carry_out(plan(notify), 0)[0].state == "COMPLETE", "what it pushed is gone"


def test_only_the_oldest_logs_of_fires_are_removed(carry_out, plan, state, tmp_path, monkeypatch):
    monkeypatch.setattr(fire, "KEPT_LOGS", 2)
    logs = tmp_path / ".schedule" / "logs"
    (logs / "folder-1.log").mkdir(parents=True)
    fire_logs = ["houses-s-100.log", "lost-7.log", "houses-s-300.log", "houses-s-400.log"]
    for age, name in enumerate(["notes.txt", "houses.log", *fire_logs]):
        (logs / name).write_text(name)
        os.utime(logs / name, (age, age))
    (logs / "linked-1.log").symlink_to(logs / "notes.txt")
    carry_out(plan(), 0)

    remaining = {"folder-1.log", "notes.txt", "houses.log", "linked-1.log", *fire_logs[-2:]}
    assert remaining <= set(os.listdir(logs))
    assert not set(fire_logs[:2]) & set(os.listdir(logs))


def test_states_that_earlier_versions_wrote_have_their_name_of_today(carry_out, plan, state):
    carry_out(plan(), 3)
    [row] = schedule_history.history(state.root)
    for former_state, current_state in run_files.FORMER_FIRE_STATES.items():
        state.update(row.id, state=former_state)
        assert [fire.state for fire in schedule_history.history(state.root)] == [current_state], (
            "before a scheduler starts"
        )
        reopened = State(state.root)
        assert reopened.state_of(row.id)[0] == current_state
        reopened.close()


def test_a_version_of_a_previous_run_is_not_notified_again(carry_out, plan, notifications, prints):
    notify, lines = notifications
    result, _ = carry_out(plan(notify), 0, pusher="CACHED")

    assert (result.state, result.pushed, result.new) == ("COMPLETE", "/serving/1", False)
    assert lines() == []


def test_a_failed_run_is_retried_with_backoff(carry_out, plan, notifications, state):
    notify, lines = notifications
    result, slept = carry_out(plan(notify, retries=3, backoff="10s", timeout="1h"), 4, None, -9, 0)
    assert (result.state, slept) == ("COMPLETE", [10, 20, 40])
    [row] = schedule_history.history(state.root)
    assert (row.attempts, row.state, row.run_id) == (4, "COMPLETE", "run-1-0")
    assert [line["event"] for line in lines()] == ["push"]


@pytest.mark.parametrize(
    ("codes", "word", "event", "reason"),
    [
        ((4, 4), "FAILED", "failure", "stage trainer failed"),
        ((None, None), "FAILED", "failure", "stopped after 3600 s"),
        ((2,), "FAILED", "failure", "ended with exit code 2: configs/houses.toml: it is wrong. Its output:"),
        ((3,), "NOT_BLESSED", "gate", "too bad"),
    ],
)
def test_a_failure_and_the_recovery_are_notified(carry_out, plan, notifications, prints, codes, word, event, reason):
    notify, lines = notifications
    houses_plan = plan(notify, retries=1, backoff=0, timeout="1h")
    result, _ = carry_out(houses_plan, *codes)
    assert result.state == word
    assert reason in result.reason
    assert [line["event"] for line in lines()] == [event]
    prints["now"] = "mended"
    carry_out(houses_plan, 0)
    assert [line["event"] for line in lines()] == [event, "recovery", "push"]


def test_only_selected_events_are_notified(carry_out, plan, notifications):
    notify, lines = notifications
    carry_out(plan({**notify, "on": ["push"]}), 4)
    assert lines() == []


def test_a_fire_is_stopped_at_its_timeout_with_all_its_processes(
    state, plan, monkeypatch, tmp_path, prints, limits_begin
):
    script, log = tmp_path / "runner.py", tmp_path / ".schedule" / "logs" / "houses-s-1.log"
    script.write_text("import time\nprint('begun', flush=True)\ntime.sleep(600)\n")
    limits_begin(lambda: log.exists() and log.read_text())
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    houses_plan = plan(timeout="1s")
    state.remember(houses_plan, 0.0)
    number = state.add(houses_plan.name, 1.0)
    result = fire.carry_out(state, number)

    assert (result.state, result.reason) == ("FAILED", "stopped after 1 s")
    assert log.read_text() == "begun\n"
    assert subprocess.run(["pgrep", "-f", str(script)], capture_output=True, text=True).stdout == ""


def test_sigterm_cancels_the_fire_and_ends_its_run(state, plan, tmp_path):
    houses_plan = plan()
    state.remember(houses_plan, 0.0)
    number = state.add(houses_plan.name, 1.0)
    (tmp_path / "runner.py").write_text("import time\nprint('begun', flush=True)\ntime.sleep(600)\n")
    code = (
        "import sys\nimport project\nfrom orchestration.cli import schedule_command\n"
        "from orchestration.schedule import fire\n"
        "from orchestration.schedule.schedule_state import State\n"
        "fire.unchanged_inputs.fingerprint = lambda *_: 'a'\nproject.REPOSITORY = sys.argv[1]\n"
        "schedule_command._execute_fire(State(sys.argv[1]), int(sys.argv[2]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(number)], cwd=project.REPOSITORY)
    log = tmp_path / ".schedule" / "logs" / "houses-s-1.log"
    processes.wait_until(lambda: log.exists() and log.read_text())
    process.terminate()
    process.wait(processes.WAIT)

    assert state.state_of(number)[0] == "CANCELED"
    assert subprocess.run(["pgrep", "-f", str(tmp_path / "runner.py")], capture_output=True).stdout == b""
    assert os.path.exists(log)


def test_a_fire_ends_with_any_text_of_a_failure(state, plan, prints):
    def attempt(plan, timeout, log):
        raise ValueError("no file 'x\udcff\x1b[2J'")

    houses_plan = plan()
    state.remember(houses_plan, 0.0)
    number = state.add(houses_plan.name, 1.0)
    assert fire.carry_out(state, number, attempt=attempt).state == "FAILED"
    word, reason = state.state_of(number)
    assert word == "FAILED"
    assert r"ValueError: no file 'x\udcff\x1b[2J'" in reason


def test_a_fire_whose_process_was_killed_is_notified_once(state, plan, notifications):
    notify, lines = notifications
    houses_plan = plan(notify)
    state.remember(houses_plan, 0.0)
    number = state.add(houses_plan.name, 1.0)
    state.update(number, state="RUNNING", pid=2**22 - 1, born="none", attempts=1)
    assert not state.is_running(houses_plan.name)
    for name, lost in state.lost():
        fire.tell_lost(state, lost, state.plan(name), 5.0)

    assert state.lost() == []
    assert [(line["event"], line["state"]) for line in lines()] == [("failure", "FAILED")]
    assert "its process exited without a result" in lines()[0]["text"]
    assert state.memory(houses_plan.name).failing
