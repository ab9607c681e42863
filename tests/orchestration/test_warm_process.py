"""The process that stays after a command: how the next one uses it, and what happens if it is at work or gone."""

import contextlib
import os
import signal
import socket

import pytest

from orchestration.local.warm import place, warm_process
from tests import processes

from .warm_commands import command, is_gone, made_project, once  # noqa: F401  fixture

pytestmark = pytest.mark.usefixtures("user_project")


def test_the_next_command_uses_the_process_that_stayed_and_finds_nothing_of_the_one_before(capsys):
    code, first_server, _ = once("helper.VALUE = 5")
    assert code == 0
    assert capsys.readouterr().out.startswith("TensorFlow stays loaded for 10 min")
    with command() as second_command:
        second_command.workers.begin()
        assert second_command.workers.ready
        assert second_command.workers.refused == ""
        _, second_server, values = second_command.run("tell(value=helper.VALUE)")
        # The second run of a command, such as that of another variant.
        _, third_server, _ = second_command.run()
    assert (second_server, third_server, values) == (first_server, first_server, [{"value": 1}])
    assert capsys.readouterr().out == ""


def test_a_process_stays_for_the_configured_time(capsys):
    with command() as user_command:
        _, server, _ = user_command.run()
        user_command.workers.keep_minutes = 0.5 / 60
    assert is_gone(server)
    assert os.listdir(place.folder()) == []


@pytest.mark.parametrize("settings", [{"warm": False}, {"minutes": 0.0}, {"CI": "true"}, {warm_process.SCHEDULED: "1"}])
def test_no_process_stays_where_it_is_not_wanted(settings, monkeypatch):
    minutes = settings.pop("minutes", None)
    warm = settings.pop("warm", True)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with command(warm=warm) as user_command:
        _, server, _ = user_command.run()
        user_command.workers.keep_minutes = minutes
    assert is_gone(server)
    assert list(warm_process.found()) == []


def test_minutes_of_the_config_hold_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with command() as user_command:
        _, server, _ = user_command.run()
        user_command.workers.keep_minutes = 1.0
    assert [facts["pid"] for facts in warm_process.found()] == [server]


def test_a_worker_has_the_terminal_of_its_command_and_its_own_random_numbers(monkeypatch):
    ask = "import os, numpy; tell(columns=os.environ.get('COLUMNS'), number=numpy.random.random())"
    monkeypatch.setenv("COLUMNS", "70")
    _, first_server, [first_facts] = once(ask)
    monkeypatch.delenv("COLUMNS")
    _, second_server, [second_facts] = once(ask)
    assert first_server == second_server
    assert (first_facts["columns"], second_facts["columns"]) == ("70", None)
    assert first_facts["number"] != second_facts["number"]


@pytest.mark.parametrize("at", ["before", "between"])
def test_a_process_that_was_killed_is_replaced(at):
    _, first_server, _ = once()
    with command() as second_command:
        if at == "between":
            second_command.workers.begin()
        os.kill(first_server, signal.SIGKILL)
        assert is_gone(first_server)
        code, second_server, _ = second_command.run()
        assert second_command.workers.refused == ""
    assert code == 0
    assert second_server != first_server
    assert [facts["pid"] for facts in warm_process.found()] == [second_server]


def test_a_process_that_dies_during_a_run_is_the_death_of_the_worker():
    _, server, _ = once()
    with command() as second_command, second_command.started("import time; time.sleep(600)") as (worker, _):
        os.kill(server, signal.SIGKILL)
        assert worker.wait(processes.WAIT) == -signal.SIGKILL
        assert is_gone(worker.pid)


def test_a_process_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(warm_process, "ANSWER_SECONDS", 0.3)
    _, first_server, _ = once()
    os.kill(first_server, signal.SIGSTOP)
    try:
        with command() as second_command:
            _, second_server, _ = second_command.run()
            assert second_command.workers.refused == "timed out"
        assert second_server != first_server
    finally:
        os.kill(first_server, signal.SIGCONT)


def test_two_commands_at_once_have_a_process_each():
    _, first_server, _ = once()
    with command() as first_command, first_command.started("import time; time.sleep(600)"):
        with command() as second_command:
            code, second_server, _ = second_command.run()
            assert second_command.workers.refused == "it serves another command"
        assert (code, first_command.server) == (0, first_server)
        assert second_server != first_server
        # The address is taken, and a process at work is not ended.
        assert is_gone(second_server)
        assert [(facts["pid"], facts["busy"]) for facts in warm_process.found()] == [(first_server, True)]


def test_a_killed_command_takes_its_worker_and_the_process_with_it():
    _, server, _ = once()
    with command() as second_command, second_command.started("import time; time.sleep(600)") as (worker, _):
        # What the kernel does when the command is killed.
        second_command.workers._socket.shutdown(socket.SHUT_RDWR)
        assert is_gone(worker.pid)
        assert is_gone(server)


def test_a_killed_or_stopped_worker_leaves_a_process_that_can_be_used():
    _, server, _ = once()
    with command() as second_command:
        with second_command.started("import time; time.sleep(600)") as (worker, _):
            assert worker.memory() > 1e6
            worker.end(at_once=True)
            assert worker.wait(processes.WAIT) == -signal.SIGKILL
        with second_command.started("import time; time.sleep(600)") as (worker, _):
            worker.end(processes.WAIT)
            assert worker.wait(processes.WAIT) == -signal.SIGTERM
    assert once()[1] == server


def test_an_order_is_never_in_the_memory_of_the_process():
    secret = "pass" + "word-" + os.urandom(8).hex()
    _, server, values = once(f"tell(value={secret!r})")
    assert values == [{"value": secret}]
    occurrences = 0
    with open(f"/proc/{server}/maps") as maps, open(f"/proc/{server}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if rights.startswith("rw"):
                begin, end = (int(part, 16) for part in span.split("-"))
                memory.seek(begin)
                with contextlib.suppress(OSError):
                    occurrences += memory.read(end - begin).count(secret.encode())
    assert occurrences == 0


def test_no_warm_ends_the_process_and_doctor_lists_it(user_project):
    _, server, _ = once()
    assert warm_process.shown().startswith(f"{server} of {user_project}, ")
    assert warm_process.shown().endswith(" GB, ends in 10 min")
    warm_process.end()
    assert is_gone(server)
    assert warm_process.shown() == "none"
