"""Runs the command line in processes that are forked with TensorFlow imported, so that a run costs its stages alone.

Started as a program, it reads one JSON object a line, `argv`, `env` and `folder`; forks a process that does what
`python runner.py ARGV` does, with out, err and code in the folder; and answers with the process's pid. What is forked
is the supervisor; its worker is forked from it, where the real one starts `orchestration.worker`.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]


@dataclasses.dataclass
class Running:
    """A run that goes on, or has ended."""

    pid: int
    folder: Path

    @property
    def going(self) -> bool:
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def wait(self, seconds: float = 300) -> "Running":
        end = time.monotonic() + seconds
        while self.going:
            assert time.monotonic() < end, self.out
            time.sleep(0.02)
        return self

    @property
    def code(self) -> int:
        """Exit code; -9 where it was killed."""
        path = self.folder / "code"
        return int(path.read_text()) if path.exists() else -9

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def nodes(self) -> dict[str, str]:
        """Stage -> last word of its state."""
        words = {"done", "cached", "kept", "taken", "failed"}
        lines = [line.split() for line in self.out.splitlines()]
        return {line[0]: line[1] for line in lines if len(line) > 1 and line[1] in words}

    def processes(self) -> list[int]:
        """It and all that descends from it."""
        parents: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(
                    int(path.parent.name)
                )
            except OSError:
                continue
        found, waiting = [], [self.pid]
        while waiting:
            found.append(waiting.pop())
            waiting.extend(parents.get(found[-1], []))
        return found

    def kill(self) -> None:
        """Kill it and all that descends from it, as when the machine stops."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.wait(10)


class Warm:
    """The process that forks runs; use it as a context."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self._count = scratch, 0
        self._process: Any = None

    def __enter__(self) -> "Warm":
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def start(self, *arguments: object, **environment: str) -> Running:
        """Begin `python runner.py ARGUMENTS`."""
        self._count += 1
        folder = self._scratch / f"command-{self._count}"
        folder.mkdir(parents=True)
        order = {"argv": list(map(str, arguments)), "env": environment, "folder": str(folder)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Running(int(self._process.stdout.readline()), folder)

    def run(self, *arguments: object, **environment: str) -> Running:
        """`python runner.py ARGUMENTS`, to its end."""
        return self.start(*arguments, **environment).wait()


def main() -> None:
    """Import, then fork a process for each order."""
    import importlib
    import tempfile

    from orchestration import command, worker, workers

    for module in (*worker.WARM, "orchestration.local", "models.training", "models.preprocessing"):
        importlib.import_module(module)

    class Server:
        """What `subprocess.Popen` is to the real one."""

        def __init__(self, pid: int) -> None:
            self.pid = pid

        def kill(self) -> None:
            os.kill(self.pid, signal.SIGKILL)

        def wait(self) -> int:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    class Forked(workers.Workers):
        def begin(self) -> None:
            import socket

            if self._process is not None:
                return
            ours, theirs = socket.socketpair()
            parent, pid = os.getpid(), os.fork()
            if pid == 0:
                os.setsid()
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                # As a program that is started has none of these: not the pipe's end, not the lock.
                os.closerange(3, theirs.fileno())
                os.closerange(theirs.fileno() + 1, 4096)
                sys.argv = ["worker", str(theirs.fileno()), str(parent)]
                os._exit(worker.main())
            theirs.close()
            self._socket, self._process, self.ready = ours, Server(pid), True  # type: ignore[assignment]

    def forked(order: dict[str, Any]) -> None:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.update(order["env"])
        tempfile.tempdir = None
        folder = Path(order["folder"])
        for number, name in ((0, os.devnull), (1, folder / "out"), (2, folder / "err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
        workers.Workers = Forked  # type: ignore[misc]
        code = command.main(order["argv"])
        sys.stdout.flush()
        sys.stderr.flush()
        (folder / "code").write_text(str(code))

    # The kernel reaps them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                forked(json.loads(line))
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
