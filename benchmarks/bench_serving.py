"""Requests per second of `runner.py serve` with both engines, and of a web application around tf.saved_model.load."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workloads import REPOSITORY
from serving import versions
from spec.file_names import REQUESTS

SECONDS = 5.0
"""Duration of a measurement."""
CASES = ((1, 1), (8, 1), (8, 64))
"""Number of clients, and of rows of a request."""
_LOOP = """
import sys
import tensorflow as tf
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

model = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
types = {name: spec.dtype for name, spec in model.structured_input_signature[1].items()}


async def predict(request):
    rows = (await request.json())["instances"]
    columns = {name: tf.constant([row[name] for row in rows], dtype) for name, dtype in types.items()}
    return JSONResponse({"predictions": model(**columns)["prediction"].numpy().tolist()})


app = Starlette(routes=[Route("/v1/models/houses:predict", predict, methods=["POST"])])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


@dataclass(frozen=True)
class Served:
    """A measurement.

    Attributes:
        server: `serve` with its engine, or `plain loop`.
        clients: Number of connections, each with one request at a time.
        rows: Rows of a request.
        per_second: Requests per second.
        p50, p99: Times of requests, in ms.
        cpu: CPU time of the server per request, in ms.
    """

    server: str
    clients: int
    rows: int
    per_second: float
    p50: float
    p99: float
    cpu: float


def measure(root: Path, name: str = "houses") -> list[Served]:
    """Measure the servers with the pushed model of a root, one after the other."""
    folder = str(root / name / "serving")
    version = versions.path(folder, versions.pushed(folder)[-1])
    sample = json.loads(Path(version, REQUESTS).read_text())["samples"]["serving_default"]
    results = []
    for server, command in (
        ("serve, TensorFlow", ["runner.py", "serve", name, "--root", str(root), "--port", "PORT"]),
        ("serve, ONNX", ["runner.py", "serve", name, "--root", str(root), "--port", "PORT", "--engine", "onnx"]),
        ("plain loop", ["-c", _LOOP, str(Path(version).absolute()), "PORT"]),
    ):
        with _running(command, name, sample) as (port, pid):
            for clients, rows in CASES:
                body = json.dumps({"instances": sample["instances"] * rows}).encode()
                cpu_start = _cpu_seconds(pid)
                times = asyncio.run(_load(port, f"/v1/models/{name}:predict", body, clients))
                cpu = (_cpu_seconds(pid) - cpu_start) / len(times)
                times.sort()
                p50, p99 = (times[int(len(times) * share)] * 1e3 for share in (0.5, 0.99))
                results.append(Served(server, clients, rows, len(times) / SECONDS, p50, p99, cpu * 1e3))
    return results


@contextmanager
def _running(command: list[str], name: str, sample: dict[str, Any]) -> Iterator[tuple[int, int]]:
    port = _free_port()
    command = [str(port) if part == "PORT" else part for part in command]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen([sys.executable, *command], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                address = f"http://127.0.0.1:{port}/v1/models/{name}:predict"
                urllib.request.urlopen(address, json.dumps(sample).encode(), timeout=60).read()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.2)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def _load(port: int, path: str, body: bytes, clients: int) -> list[float]:
    """Send requests from several connections, and return the seconds of each."""
    times: list[float] = []
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begin = time.perf_counter()
        while (started := time.perf_counter()) < begin + SECONDS:
            writer.write(head + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer[:20]:
                raise RuntimeError(answer.decode("latin-1"))
            length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
            times.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return times


def _cpu_seconds(pid: int) -> float:
    """Return user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(results: list[Served]) -> str:
    """Return the measurements as a Markdown table."""
    lines = [
        f"Predictions by a server, {SECONDS:g} s each. A plain loop is a web application around `tf.saved_model.load`, "
        "as most people write it. Clients run on the same machine.",
        "",
        "| server | clients | rows | requests/s | p50, ms | p99, ms | CPU time of a request, ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        lines.append(
            f"| {result.server} | {result.clients} | {result.rows} | {result.per_second:,.0f} | {result.p50:.1f} "
            f"| {result.p99:.1f} | {result.cpu:.2f} |"
        )
    return "\n".join(lines)
