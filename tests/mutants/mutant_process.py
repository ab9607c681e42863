"""Process that has imported TensorFlow, TFX and pytest, and forks a process for each order.

It reads one order per line, and writes one answer per line. Of the repository it imports only this folder, so that
forked processes import the current code of the tree.
"""

import ctypes
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Started as a file, without its package.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from mutants import plugins, tracing  # noqa: E402  after the path

HEAVY = (
    "_pytest.assertion.rewrite",
    "hypothesis",
    "numpy",
    "pandas",
    "pyarrow.compute",
    "pyarrow.parquet",
    "pydantic",
    "rich.live",
    "sklearn.metrics",
    "scipy.stats",
    "PIL.Image",
    "ml_metadata",
    "tensorflow",
    "keras",
    "tensorflow_transform.beam",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "apache_beam",
    "keras_tuner",
    "starlette.applications",
    "uvicorn",
    "tfx.v1",
    "tfx.components.transform.executor",
    "tfx.components.trainer.executor",
    "tfx.orchestration.portable.launcher",
    "tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner",
)
_SUBREAPER, _DEATH_SIGNAL = 36, 1


def measure(order: dict[str, Any]) -> dict[str, Any]:
    """Run a test file, and return the time and the traced lines of each test."""
    os.environ[tracing.ROOT], os.environ[tracing.PACKAGES] = order["tree"], " ".join(order["packages"])
    os.environ[tracing.FOLDER] = order["folder"]
    lines = tracing.Lines(order["tree"], order["packages"], order["folder"])
    plugin = plugins.Measuring(lines)
    lines.start()
    lines.enter(plugins.COLLECT)
    code = pytest.main([*_arguments(order), order["file"]], plugins=[plugin])
    sys.settrace(None)
    measured = {"tests": plugin.tests, "fixtures": plugin.fixtures, "contexts": plugin.contexts}
    return {"code": int(code), "left_out": sorted(plugin.left_out), **measured}


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run tests until one fails."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    plugin = plugins.Chosen(order["tests"])
    files = list(dict.fromkeys(name.partition("::")[0] for name in order["tests"]))
    code = pytest.main([*_arguments(order), "-x", *files], plugins=[plugin])
    return {"code": int(code), "failed": plugin.failed, "ran": plugin.ran}


def _arguments(order: dict[str, Any]) -> list[str]:
    tree = order["tree"]
    # The last one collects garbage several times, which takes longer than most tests.
    plugins_without = [text for name in ("cacheprovider", "unraisableexception") for text in ("-p", f"no:{name}")]
    options = ["-q", "--no-header", "--tb=line", "-W", "ignore", *plugins_without]
    return [*options, f"--rootdir={tree}", "-c", f"{tree}/pyproject.toml", f"--basetemp={order['temporary']}"]


def _forked(order: dict[str, Any], work: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Execute an order in a forked process, with limits on wall and CPU time.

    Returns:
        Its answer; `timeout` if it was stopped, `died` if it ended without an answer.
    """
    read_end, write_end = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
            log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            for descriptor in (1, 2):
                os.dup2(log, descriptor)
            os.chdir(order["tree"])
            sys.path[0] = order["tree"]
            os.environ["PYTHONPATH"] = f"{order['tree']}/.site"
            if "processor" in order:
                resource.setrlimit(resource.RLIMIT_CPU, (order["processor"], order["processor"]))
            os.write(write_end, json.dumps(work(order)).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(write_end)
    answer = _read(read_end, pid, started + order["seconds"])
    os.close(read_end)
    _end_all()
    return {**answer, "seconds": time.monotonic() - started}


def _read(descriptor: int, pid: int, until: float) -> dict[str, Any]:
    """Read a line of JSON; descendants of the process may keep the pipe open."""
    content, end = b"", None
    while end is None and not content.endswith(b"\n"):
        if time.monotonic() > until:
            return {"timeout": True}
        end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        while select.select([descriptor], [], [], 0.1 if end is None else 0)[0] and (
            block := os.read(descriptor, 4096)
        ):
            content += block
    if content.endswith(b"\n"):
        return dict(json.loads(content))
    # The kernel kills it at its CPU limit.
    return {"timeout" if end is not None and end.si_status == signal.SIGKILL else "died": True}


def _end_all() -> None:
    """Kill the forked process and its orphans, which are children of this process by then."""
    while True:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        if not children:
            return
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        for _ in children:
            os.wait()


def main() -> None:
    """Import the packages, then execute orders."""
    libc = ctypes.CDLL(None)
    libc.prctl(_SUBREAPER, 1)
    libc.prctl(_DEATH_SIGNAL, signal.SIGKILL)
    # Plugins of other packages would be compiled in each forked process.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for name in HEAVY:
        importlib.import_module(name)
    gc.freeze()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(_forked(order, {"measure": measure, "run": run}[order["kind"]])), file=answers, flush=True)


if __name__ == "__main__":
    main()
