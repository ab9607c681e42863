"""Faults of a running scheduler: invalid files next to its configs, and failing notifications."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

from .. import processes

CONFIG = """
[data]
path = "x.csv"
[features]
numeric = [{{column = "area"}}]
[label]
column = "price"
[[schedule]]
name = "yearly"
cron = "0 0 1 1 *"
[notify]
webhook = "{webhook}"
"""
SCHEDULER = """
import sys, time
import project
repository, root, lost = sys.argv[1:]
project.REPOSITORY = repository
from orchestration.schedule import plans, service
from orchestration.schedule.schedule_state import State
service.LOOK_SECONDS = 0.1
state = State(root)
for plan in plans.all_plans(repository).known:
    state.remember(plan, time.time())
    number = state.add(plan.name, time.time() - 5)
    if plan.pipeline == lost:  # its process was killed
        state.update(number, state="RUNNING", pid=2**22 - 1, born="none", attempts=1)
state.close()
sys.exit(service.serve(root, lambda: plans.all_plans(repository), None))
"""
FIRE = """
import sqlite3, sys
state = sqlite3.connect(sys.argv[2] + "/.schedule/state.sqlite", isolation_level=None)
state.execute("UPDATE fires SET state = 'COMPLETE', ended = 1 WHERE id = ?", (sys.argv[-1],))
"""
"""Stands for runner.py: ends each fire at once."""


@contextlib.contextmanager
def garbage():
    """A server that speaks another protocol."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    thread = threading.Thread(target=run)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/T0K3N-canary"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def wait_for(log, text):
    processes.wait_until(lambda: text in log.read_text(), lambda: f"{text!r} is not in the log:\n{log.read_text()}")


def test_invalid_files_and_servers_do_not_end_the_scheduler(tmp_path, figure):
    """Fault 47: files that are no configs, half of one, and a webhook that speaks another protocol."""
    configs, log = tmp_path / "configs", tmp_path / "log"
    configs.mkdir()
    (tmp_path / "runner.py").write_text(FIRE)
    with garbage() as webhook:
        good = CONFIG.format(webhook=webhook)
        for name in ("killed", "second"):
            (configs / f"{name}.toml").write_text(good)
        with log.open("wb") as output:
            scheduler = subprocess.Popen(
                [sys.executable, "-c", SCHEDULER, str(tmp_path), str(tmp_path / "runs"), "killed"],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_for(log, "killed:yearly: notify.webhook: the server's answer is not valid HTTP (BadStatusLine)")
            wait_for(log, "second:yearly: COMPLETE")
            (configs / ".#second.toml").symlink_to("user@host.4913:1700000000")
            (configs / "second.toml~").write_text(good)
            (configs / "4913").write_text("")
            (configs / ".second.toml.swp").write_bytes(b"b0VIM 9.0\0schedule")
            (configs / "folder.toml").mkdir()
            os.mkfifo(configs / "pipe.toml")
            (configs / "link.toml").symlink_to("nowhere")
            (configs / "third.toml").write_text(good[: good.index("cron") + 9])
            wait_for(log, "configs/third.toml: this is not TOML")
            (configs / "third.toml").write_text(good)
            wait_for(log, "third:yearly")
            (configs / "third.toml").unlink()
            wait_for(log, "read the configs again: killed:yearly, second:yearly\n")
            assert scheduler.poll() is None
        finally:
            scheduler.send_signal(signal.SIGTERM)
            code = scheduler.wait(processes.WAIT)
    lines = log.read_text().splitlines()
    assert code == 0
    for name in ("folder.toml is not a regular file", "pipe.toml is not a regular file", "link.toml cannot be read"):
        assert sum(f"configs/{name}" in line for line in lines) == 1
    assert not any(".#" in line or "~" in line or "4913" in line or "Traceback" in line for line in lines)
    assert "T0K3N-canary" not in log.read_text()
    figure(47, "8 files beside the configs, each said at most once; a webhook that answers with garbage; ended 0 times")
