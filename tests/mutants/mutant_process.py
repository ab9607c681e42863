"""A process that has imported TensorFlow, TFX and pytest, and forks one process for each order.

It reads an order a line and answers each with a line. It imports no code of the repository but this folder, so that
what it forks sees the tree as it is then.
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
    """Run a file of tests, and tell what each took and where its lines are."""
    os.environ[tracing.ROOT], os.environ[tracing.PACKAGES] = order["tree"], " ".join(order["packages"])
    os.environ[tracing.FOLDER] = order["folder"]
    lines = tracing.Lines(order["tree"], order["packages"], order["folder"])
    plugin = plugins.Measuring(lines)
    lines.start()
    lines.enter(plugins.COLLECT)
    code = pytest.main([*_arguments(order), order["file"]], plugins=[plugin])
    sys.settrace(None)
    kept = {"tests": plugin.tests, "fixtures": plugin.fixtures, "contexts": plugin.contexts}
    return {"code": int(code), "left_out": sorted(plugin.left_out), **kept}


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run chosen tests until one fails."""
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
    """Do an order in a process of its own, for as many seconds, also of a processor, as it may take.

    Returns:
        What it tells; `timeout` where it was stopped, `died` where it ended without a word.
    """
    read_end, write_end = os.pipe()
    began = time.monotonic()
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
    said = _read(read_end, pid, began + order["seconds"])
    os.close(read_end)
    _end_all()
    return {**said, "seconds": time.monotonic() - began}


def _read(descriptor: int, pid: int, until: float) -> dict[str, Any]:
    """Read a line of JSON; what the process has left behind may hold the other side open."""
    said, end = b"", None
    while end is None and not said.endswith(b"\n"):
        if time.monotonic() > until:
            return {"timeout": True}
        end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        while select.select([descriptor], [], [], 0.1 if end is None else 0)[0] and (
            block := os.read(descriptor, 4096)
        ):
            said += block
    if said.endswith(b"\n"):
        return dict(json.loads(said))
    # At its limit of the processor it is killed.
    return {"timeout" if end is not None and end.si_status == signal.SIGKILL else "died": True}


def _end_all() -> None:
    """Kill what was forked, and what that left behind, which is this process's child by then."""
    while True:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        if not children:
            return
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        for _ in children:
            os.wait()


def main() -> None:
    """Import, then serve."""
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
