"""Client of the fork server in forking.py: runs commands without the time for imports."""

import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import processes

REPOSITORY = Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Result:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def nodes(self) -> dict[str, str]:
        """Stage -> its final state."""
        states = {"done", "cached", "kept", "taken", "failed"}
        lines = [line.split() for line in self.out.splitlines()]
        return {line[0]: line[1] for line in lines if len(line) > 1 and line[1] in states}

    def line(self, start: str) -> str:
        """Return the rest of the first line that starts with `start`."""
        return next(line[len(start) :].strip() for line in self.out.splitlines() if line.startswith(start))


@dataclasses.dataclass
class Running:
    """A command that is running or has ended."""

    pid: int
    folder: Path

    @property
    def going(self) -> bool:
        return processes.alive(self.pid)

    def wait(self, seconds: float = 300) -> "Running":
        end = time.monotonic() + seconds
        while self.going:
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"killed after {seconds:.0f} s: {self.out} {self.err}")
            time.sleep(0.02)
        return self

    @property
    def code(self) -> int:
        """Exit code; -9 if it was killed."""
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
        """Stage -> its final state."""
        return self.result().nodes

    def result(self) -> Result:
        """Return exit code and output."""
        return Result(self.code, self.out, self.err)

    def processes(self) -> list[int]:
        """Return the pids of the command and its descendants."""
        parents: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(
                    int(path.parent.name)
                )
            except OSError:
                continue
        pids, waiting = [], [self.pid]
        while waiting:
            pids.append(waiting.pop())
            waiting.extend(parents.get(pids[-1], []))
        return pids

    def kill(self) -> None:
        """Kill the command and its descendants, as when the machine stops."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        processes.wait_until(lambda: not self.going, lambda: f"process {self.pid} does not die")


class Warm:
    """The fork server, as a context manager.

    Args:
        scratch: Folder for the output of the commands.
        prefix: Command that starts the server, as another user.
    """

    def __init__(self, scratch: Path, prefix: Sequence[str] = ()) -> None:
        self._scratch, self._count, self._prefix = scratch, 0, prefix
        self._process: Any = None

    def __enter__(self) -> "Warm":
        self._process = subprocess.Popen(
            [*self._prefix, sys.executable, str(Path(__file__).with_name("forking.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def start(
        self, *arguments: object, tree: Path = REPOSITORY, cwd: Path | None = None, **environment: str
    ) -> Running:
        """Start `python TREE/runner.py ARGUMENTS` in `cwd`, by default the current folder."""
        self._count += 1
        folder = self._scratch / f"command-{self._count}"
        folder.mkdir(parents=True)
        if self._prefix:
            folder.chmod(0o777)
        order = {
            "argv": list(map(str, arguments)),
            "tree": str(tree),
            "env": {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "NO_COLOR": "1", "COLUMNS": "200", **environment},
            "cwd": str(cwd or os.getcwd()),
            "folder": str(folder),
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = self._process.stdout.readline()
        assert pid, "the fork server has ended"
        return Running(int(pid), folder)

    def run(
        self,
        *arguments: object,
        tree: Path = REPOSITORY,
        cwd: Path | None = None,
        timeout: float = 300,
        **environment: str,
    ) -> Running:
        """Run `python TREE/runner.py ARGUMENTS` and wait until it ends."""
        return self.start(*arguments, tree=tree, cwd=cwd, **environment).wait(timeout)


@functools.cache
def shared() -> Warm:
    """Return the fork server of this process, which ends with it."""
    import atexit

    scratch = Path(tempfile.mkdtemp(prefix="warm-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    server = Warm(scratch).__enter__()
    atexit.register(server.__exit__)
    return server
