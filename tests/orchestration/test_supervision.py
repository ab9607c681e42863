"""Supervision of a worker that hangs, exceeds its memory, is killed or writes incomplete lines."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from errors import GateError, RunError
from orchestration.display.terminal import Terminal
from orchestration.local import fork_server, supervision
from orchestration.records import run_record
from spec.limits import Limits

from ..attributes import with_attributes

BEGIN = """
import json, os, signal, sys, time
def emit(**fields):
    os.write(int(sys.argv[1]), (json.dumps(fields) + "\\n").encode())
emit(event="worker", pid=os.getpid())
emit(event="plan", nodes=["trainer"], upstream={})
emit(event="node", node="trainer", state="RUNNING")
"""
HANG = BEGIN + "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class Process:
    """A worker without TensorFlow: any Python program."""

    def __init__(self, popen, bytes_):
        self.pid, self._popen, self._bytes = None, popen, bytes_
        self.graces = []

    def memory(self):
        return self._bytes

    def wait(self, seconds=None):
        return self._popen.wait(seconds)

    def end(self, seconds=10.0, *, at_once=False):
        self.graces.append(seconds)
        for number in (signal.SIGKILL,) if at_once else (signal.SIGTERM, signal.SIGKILL):
            self._popen.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)


class Workers:
    def __init__(self, code, bytes_=0):
        self.ready, self._code, self._bytes = True, code, bytes_

    @contextlib.contextmanager
    def run(self, order, *, events, log, lock):
        with subprocess.Popen([sys.executable, "-c", self._code, str(events)], pass_fds=[events], stderr=log) as popen:
            self.worker = worker = Process(popen, self._bytes)
            try:
                yield worker
            finally:
                worker.end()


@pytest.fixture
def book(tmp_path):
    record = run_record.Record(str(tmp_path / "run"), {"run_id": "one"})
    yield record
    record.close("FAILED", "")


@pytest.fixture
def supervise(book):
    @with_attributes
    def run(code, bytes_=0, **limits):
        run.workers = Workers(code, bytes_)
        with Terminal(plain=True) as terminal:
            return supervision.supervise({}, Limits(**limits), terminal, book, run.workers, -1)

    return run


def test_a_stage_past_its_time_limit_is_stopped_even_if_it_ignores_signals(supervise, book):
    with pytest.raises(
        RunError, match=r"stage trainer failed: it exceeded its time limit of 1 s .*seconds = {trainer = 2}"
    ):
        supervise(HANG, seconds={"trainer": 1.0})
    assert supervise.workers.worker.graces[0] == fork_server.LIMIT_SECONDS
    assert book.facts["stage"] == "trainer"
    assert book.facts["log"].endswith("logs/trainer.log")


def test_a_worker_past_its_memory_limit_is_killed_and_the_peak_recorded(supervise, book, tmp_path):
    signal_file = tmp_path / "asked to end"
    handler = f"import signal; signal.signal(signal.SIGTERM, lambda *_: open({str(signal_file)!r}, 'w').close())"
    with pytest.raises(
        RunError, match=r"used 5\.00 GB of memory; limits\.memory_gb is 4\. Run the same command again to resume"
    ):
        supervise(f"{handler}\n{BEGIN}time.sleep(600)", 5_000_000_000, memory_gb=4)
    assert book.facts["peak_memory_mb"] == 5000
    assert not signal_file.exists()


def test_a_limit_of_another_stage_stops_nothing(supervise):
    code = BEGIN + "time.sleep(1.2); emit(event='outcome', reason='well')"
    assert supervise(code, seconds={"pusher": 0.1}, memory_gb=1) == {"reason": "well"}


def test_the_error_of_a_killed_worker_names_the_likely_cause(supervise):
    with pytest.raises(RunError, match=r"stage trainer failed: .* signal 9 .the system does this when memory runs out"):
        supervise(BEGIN + "os.kill(os.getpid(), signal.SIGKILL)")


def test_an_error_of_a_stage_is_raised_with_its_class(supervise):
    with pytest.raises(GateError, match="no such rows"):
        supervise(BEGIN + "emit(event='error', kind='GateError', message='no such rows')")


def test_a_killed_fork_server_is_replaced_in_the_next_run():
    with fork_server.ForkServer() as server:
        server.begin()
        first_process, server.ready = server._process, True
        server.begin()
        assert server._process is first_process
        assert server.ready
        first_process.kill()
        first_process.wait()
        server.begin()

        assert server._process.poll() is None
        assert not server.ready


def test_lines_are_complete_with_ticks_between_them():
    read_end, write_end = os.pipe()
    lines = supervision._lines(read_end, 0.05)
    for part, line in ((b"one\ntw", "one"), (b"o\nthr", "two"), (b"ee\n", "three")):
        os.write(write_end, part)
        assert [next(lines), next(lines), next(lines)] == [line, None, None]
    os.close(write_end)
    assert list(lines) == []
    os.close(read_end)
