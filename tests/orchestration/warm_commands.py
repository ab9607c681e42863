"""Commands with a tiny worker, for tests of the process that stays after a command."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

import project
from orchestration.local import fork_server
from orchestration.local.fork_server import ForkServer
from orchestration.local.warm import warm_process
from tests import processes

WORKER = """
import ctypes, json, os, signal, socket, sys
from orchestration.local.warm import fork_loop, messages
from orchestration.local.warm.fork_loop import ForkLoop

fork_loop.GREETING_SECONDS = 60.0

def work(server, events, log, lock, order):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    with open(events, "w", buffering=1) as out:
        def tell(**fields):
            out.write(json.dumps(fields) + "\\n")
        tell(pid=os.getpid(), server=server)
        exec(messages.read_order(order), {"tell": tell, "helper": helper})
    return 0

loop = ForkLoop(socket.socket(fileno=int(sys.argv[1])), work)
import helper, numpy
sys.exit(loop.run())
"""
"""A worker without TensorFlow: its orders are Python code."""


class Order:
    def __init__(self, code):
        self._code = code

    def to_json(self):
        return self._code


class Command:
    """A command that runs orders."""

    def __init__(self, **settings):
        self.workers = ForkServer(**{"warm": True, **settings})
        self.workers.keep_minutes = None
        self.server = 0

    @contextlib.contextmanager
    def started(self, code):
        """Yield the worker of an order, and the file of its events."""
        read_end, write_end = os.pipe()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            with (
                open(read_end, encoding="utf-8") as events,
                self.workers.run(Order(code), events=write_end, log=nowhere, lock=nowhere) as worker,
            ):
                os.close(write_end)
                first_event = json.loads(events.readline())
                worker.pid, self.server, self.workers.ready = first_event["pid"], first_event["server"], True
                yield worker, events
        finally:
            os.close(nowhere)

    def run(self, code="pass"):
        """Run an order; return its exit code, the pid that forked its worker, and the values that it sent."""
        with self.started(code) as (worker, events):
            values = [json.loads(line) for line in events]
            return worker.wait(processes.WAIT), self.server, values


@contextlib.contextmanager
def command(**settings):
    user_command = Command(**settings)
    with user_command.workers:
        yield user_command


def once(code="pass", **settings):
    with command(**settings) as user_command:
        return user_command.run(code)


def is_gone(pid):
    """Whether a process ends."""
    return processes.left([pid]) == []


@pytest.fixture(name="user_project")
def made_project(tmp_path, monkeypatch):
    """A project with a tiny worker, and a folder of sockets that only this test has."""
    sockets = Path(tempfile.mkdtemp(prefix="w-"))
    base = tmp_path / "project"
    base.mkdir()
    (base / "tiny_worker.py").write_text(WORKER)
    (base / "helper.py").write_text("VALUE = 1\n")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(sockets))
    monkeypatch.setenv(project.VARIABLE, str(base))
    monkeypatch.delenv("CI")
    monkeypatch.setattr(fork_server, "MODULE", "tiny_worker")
    monkeypatch.setattr(fork_server, "OURS", ("errors",))
    # On a loaded machine, a process that takes its time to answer would be replaced.
    monkeypatch.setattr(fork_server, "KEEP_SECONDS", processes.WAIT)
    monkeypatch.setattr(warm_process, "ANSWER_SECONDS", processes.WAIT)
    # A process does not stay if a file is as new as its start.
    time.sleep(0.1)
    yield base
    for facts in warm_process.found():
        os.kill(facts["pid"], signal.SIGKILL)
    # One that has just ended may be removing its socket.
    shutil.rmtree(sockets, ignore_errors=True)
