"""One run of a pipeline at a time under one root."""

import os
import signal
import subprocess
import sys
import threading

from orchestration.local import run_lock
from project import REPOSITORY
from tests import processes


def test_a_second_run_waits_and_names_the_first(tmp_path):
    lines, entered = [], threading.Event()

    def second():
        with run_lock.held(str(tmp_path / "houses"), lines.append) as held:
            assert (held.last, held.waited) == ("run-1", True)
            entered.set()

    with run_lock.held(str(tmp_path / "houses"), lines.append) as held:
        assert not held.waited
        held.name("run-1")
        thread = threading.Thread(target=second)
        thread.start()
        processes.wait_until(lambda: lines)
        assert not entered.wait(0.2)
    assert entered.wait(processes.WAIT)
    thread.join()
    message = "of houses is running under this root: waiting for it to end"
    assert lines == [f"run run-1 (process {os.getpid()}) {message}"]


def test_other_pipelines_do_not_wait(tmp_path):
    with run_lock.held(str(tmp_path / "a"), print), run_lock.held(str(tmp_path / "b"), print) as held:
        assert held.last is None


def test_the_lock_of_a_killed_run_is_released_but_its_holder_is_known(tmp_path):
    code = (
        "import sys, time; from orchestration.local import run_lock as lock\n"
        "with lock.held(sys.argv[1], print) as held: held.name('run-1'); print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    lines = []
    with run_lock.held(str(tmp_path), lines.append) as held:
        assert held.last == "run-1"
    assert lines == []


def test_an_incomplete_lock_file_has_no_holder(tmp_path):
    (tmp_path / run_lock.NAME).write_text('{"run_id": "ru')
    with run_lock.held(str(tmp_path), print) as held:
        assert held.last is None
        held.name("run-2-of-a-longer-name")
    for run_id in ("run-2-of-a-longer-name", "run-3"):
        with run_lock.held(str(tmp_path), print) as held:
            assert held.last == run_id
            held.name("run-3")
