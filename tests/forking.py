"""Fork server for tests: forks processes that act as `python runner.py`, with TensorFlow already imported.

Started by warm.py, it imports the packages that a run needs, but no code of this repository. Then it reads JSON
objects, one per line: `argv`, `tree`, `env`, `cwd` and `folder`. For each it forks a process that acts as
`python TREE/runner.py ARGV`, writes out, err and code to the folder, and replies with the pid. The code of the tree is
imported after the fork, so each run uses the current code. The forked process is the supervisor; where the real one
starts `python -m orchestration.local.worker`, this one forks again. With STEPS=forks in `env`, steps that a dry run
starts as `python -m orchestration.cloud.step` are forks too.
"""

import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

PACKAGES = (
    *("keras", "tensorflow_transform.beam", "tfx.components", "tfx.dsl.compiler.compiler"),
    *("tfx.orchestration.local.runner_utils", "tfx.orchestration.portable.launcher"),
    *("pyarrow.csv", "pyarrow.parquet", "pydantic.types", "rich.live", "tomli", "google_crc32c"),
)
"""Third-party packages that a run imports; one that is missing here is imported in every run."""


class _Forked:
    """Replacement of `subprocess.Popen` for `python -m orchestration.local.worker`: runs its `main` in a fork."""

    def __init__(
        self,
        command: list[str],
        *,
        stdout: Any,
        cwd: str,
        env: dict[str, str],
        pass_fds: list[int],
        start_new_session: bool,
        **_: Any,
    ) -> None:
        python, option, module, *arguments = command
        assert (python, option, module) == (sys.executable, "-m", "orchestration.local.worker")
        sys.stdout.flush()
        sys.stderr.flush()
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid:
            return
        try:
            if start_new_session:
                os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _streams(os.devnull, stdout.fileno(), stdout.fileno())
            _close_all_but(0, 1, 2, *pass_fds)
            os.environ.clear()
            os.environ.update(env)
            os.chdir(cwd)
            from orchestration.local import worker

            sys.argv = [worker.__file__, *arguments]
            code = worker.main()
            sys.stdout.flush()
            os._exit(code)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class _Steps:
    """Replacement of `subprocess.run` for steps: forks them from a process without the threads of this one."""

    def __init__(self) -> None:
        self._run = subprocess.run
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            self._serve(theirs)
        theirs.close()
        self._orders = ours.makefile("rw")

    def run(self, command: Any, **options: Any) -> Any:
        if list(command[:3]) != ["python", "-m", "orchestration.cloud.step"]:
            return self._run(command, **options)
        order = {"argv": command[3:], "cwd": options["cwd"], "env": options["env"], "log": options["stdout"].name}
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()
        return subprocess.CompletedProcess(command, int(self._orders.readline()))

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rw") as orders:
            for line in orders:
                pid = os.fork()
                if pid == 0:
                    self._step(json.loads(line))
                orders.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
                orders.flush()
        os._exit(0)

    def _step(self, order: dict[str, Any]) -> None:
        """Act as `python -m orchestration.cloud.step` in the forked process."""
        code: Any = 1
        try:
            log = os.open(order["log"], os.O_WRONLY)
            _streams(os.devnull, log, log)
            _close_all_but(0, 1, 2)
            os.environ.clear()
            os.environ.update(order["env"])
            os.chdir(order["cwd"])
            sys.path[:1] = order["env"]["PYTHONPATH"].split(os.pathsep)
            from orchestration.cloud import step

            step.main(order["argv"])
            code = 0
        except SystemExit as error:
            code = error.code
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _streams(*sources: Any) -> None:
    """Redirect standard input, output and error to files or descriptors."""
    for number, source in enumerate(sources):
        os.dup2(source if isinstance(source, int) else os.open(source, os.O_RDWR | os.O_CREAT), number)


def _close_all_but(*descriptors: int) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in descriptors:
            try:
                os.close(int(name))
            except OSError:
                continue


def _command(order: dict[str, Any]) -> None:
    """Act as `python runner.py` in the forked process."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder, tree = Path(order["folder"]), order["tree"]
    _streams(os.devnull, str(folder / "out"), str(folder / "err"))
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    tempfile.tempdir = None
    sys.path[0] = tree
    sys.argv = [f"{tree}/runner.py", *order["argv"]]
    if order["env"].get("STEPS") == "forks":
        subprocess.run = _Steps().run  # type: ignore[assignment]
    from orchestration.cli import parser
    from orchestration.local import fork_server

    fork_server.subprocess = types.SimpleNamespace(**{**vars(subprocess), "Popen": _Forked})  # type: ignore[assignment]
    try:
        code = parser.main(order["argv"])
    except SystemExit as error:  # argparse
        code = error.code if isinstance(error.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    (folder / "code").write_text(str(code))


def main() -> None:
    """Import the packages, then fork a process for each order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in PACKAGES:
            importlib.import_module(module)
    # Garbage collection in a fork would copy the memory of all objects that exist now.
    gc.collect()
    gc.freeze()
    # The kernel reaps them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                _command(json.loads(line))
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
