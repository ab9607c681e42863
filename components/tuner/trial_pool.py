"""Pool of processes that train trials; each reads the transformed examples once."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any

import project
from components.tuner.trials import Result
from models.training.training_config import TrialOrder

THREADS = 2
"""Threads per trial, independent of the parallelism: the last digits of a sum depend on their number."""
MODULE = "models.training.trial_process"


def size(parallel: int | None, jobs: int, cores: int | None = None) -> int:
    """Return the number of trials to run in parallel.

    Args:
        parallel: Value of tuner.parallel; None for half the cores.
        jobs: Maximum number of trials.
        cores: Number of cores; None to detect it.
    """
    cores = cores or len(os.sched_getaffinity(0))
    return max(1, min(parallel or cores // 2, cores, jobs))


class Pool:
    """Pool of processes; a context manager that ends them all on exit.

    Args:
        order: First message to each process: the settings that all trials share.
        processes: Maximum number of processes.
    """

    def __init__(self, order: TrialOrder, processes: int) -> None:
        self._order, self._processes = order.model_dump(mode="json", by_alias=True), processes
        self._idle: list[_Process] = []
        self._all: list[_Process] = []

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.end()

    def __call__(self, jobs: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[int, Result]]:
        """Train each job; yield trial number and result in the order in which they finish.

        If a process dies, its current trial fails, and a new process takes the next trial.
        """
        waiting = list(jobs.items())[::-1]
        with selectors.DefaultSelector() as busy:
            while waiting or busy.get_map():
                while waiting and len(busy.get_map()) < self._processes:
                    number, job = waiting.pop()
                    process = self._idle.pop() if self._idle else self._start()
                    process.give(number, job)
                    busy.register(process.answers, selectors.EVENT_READ, process)
                for key, _ in busy.select():
                    process = key.data
                    busy.unregister(process.answers)
                    result = process.take()
                    if process.alive:
                        self._idle.append(process)
                    yield process.number, result

    def _start(self) -> "_Process":
        process = _Process(self._order)
        self._all.append(process)
        return process


class _Process:
    """One process of `models.training.trial_process`."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        read_end, write_end = os.pipe()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(write_end)],
            stdin=subprocess.PIPE,
            cwd=project.folder(),
            env={
                **os.environ,
                **project.environment(),
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "TF_NUM_INTRAOP_THREADS": str(THREADS),
                "TF_NUM_INTEROP_THREADS": str(THREADS),
                "OMP_NUM_THREADS": str(THREADS),
            },
            pass_fds=[write_end],
        )
        os.close(write_end)
        self.answers: IO[str] = open(read_end, encoding="utf-8")  # noqa: SIM115  until `end`
        self.alive, self.number = True, -1
        self._send(order)

    def give(self, number: int, job: Mapping[str, Any]) -> None:
        """Start the training of a trial."""
        self.number = number
        self._send(job)

    def take(self) -> Result:
        """Read the result of the current trial; if the process died, return a failure with its exit code or signal."""
        line = self.answers.readline()
        if line.endswith("\n"):
            return Result(**json.loads(line))
        self.alive = False
        code = self._popen.wait()
        self.end()
        ending = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        hint = ": memory may have run out, lower tuner.parallel" if code == -signal.SIGKILL else ""
        # The cause may be the machine rather than the values, so the failure is not stored.
        return Result(failure=f"its process {ending}{hint}", keep=False)

    def end(self) -> None:
        """Kill the process and close its pipes."""
        self._popen.kill()
        self._popen.wait()
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):
            self._popen.stdin.close()
        self.answers.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._popen.stdin is not None
        # `take` reports a process that died.
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.write(json.dumps(message).encode() + b"\n")
            self._popen.stdin.flush()
