"""Beam arguments, the endpoints that they name, what failures say, and the process that stops what was started."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from components.engine import arguments, endpoints, engine_failures
from errors import ResourceError, UserError

ROOT = Path(__file__).parents[2]


def parsed(*texts):
    return arguments.parse(arguments.normal(texts))


@pytest.mark.parametrize(
    ("texts", "runner", "environment"),
    [
        ((), "FnApiRunner", "DOCKER"),
        (("--runner=DirectRunner",), "FnApiRunner", "DOCKER"),
        (("--runner", "switchingdirectrunner", "--direct_num_workers=2"), "FnApiRunner", "DOCKER"),
        (("--runner=prism",), "PrismRunner", "LOOPBACK"),
        (("--runner=FLINKRUNNER",), "FlinkRunner", "LOOPBACK"),
        (("--runner=FlinkRunner", "--flink_master=host:8081"), "FlinkRunner", "DOCKER"),
        (
            ("--runner=PortableRunner", "--job_endpoint=host:1", "--environment_type=LOOPBACK"),
            "PortableRunner",
            "LOOPBACK",
        ),
        (("--runner=my.own.Runner",), "my.own.Runner", "DOCKER"),
    ],
)
def test_the_runner_is_named_as_beam_names_it(texts, runner, environment):
    given = parsed(*texts)
    assert (given.runner, given.environment) == (runner, environment)
    assert [text for text in given.texts if text.startswith("--runner")] == [f"--runner={runner}"]


@pytest.mark.parametrize(
    ("texts", "packed"),
    [
        (["--runner=PrismRunner"], False),
        (["--runner=PrismRunner", "--sdk_container_image=mine"], False),
        (["--runner=FlinkRunner", "--flink_master=host:8081"], True),
    ],
)
def test_tfx_packs_its_source_only_for_workers_elsewhere(texts, packed):
    images = [text for text in arguments.normal(texts) if text.startswith("--sdk_container_image")]
    assert images == ([] if packed else [texts[-1] if "image" in texts[-1] else arguments.NO_IMAGE])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--runner=DaskRunner", "gives partial results"),
        ("--runner=apache_beam.runners.dask.dask_runner.DaskRunner", "gives partial results"),
        ("--runner=ray_beam.RayRunner", "gives partial results"),
        ("--runner=PrismRuner", "did you mean PrismRunner"),
        ("--runner=Nonsense", "use one of FnApiRunner, PrismRunner"),
        ("--direct_running_mode=multi_threading", "partial results"),
        ("--runner=PrismRunner --no_wait_until_finish", "would not wait"),
        ("--runner=FlinkRunner --output_executable_path=a.jar", "would not wait"),
        ("--runner=PortableRunner", "needs --job_endpoint=HOST:PORT"),
        ("--runner=PrismRunner --environment_type=EXTERNAL", "needs --environment_config=HOST:PORT"),
        ("--runner=PrismRunner --prism_location=/nowhere/prism", "no such file"),
        ("--runner=FlinkRunner --flink_job_server_jar=/nowhere/a.jar", "no such file"),
        ("--runner", "expected one argument"),
    ],
)
def test_engines_that_give_wrong_results_or_cannot_run_are_refused(text, message):
    with pytest.raises(UserError, match=message):
        arguments.normal(text.split())


@pytest.mark.parametrize(
    "texts",
    [
        ["--environment_config=host:50000"],
        ["--environment_options=external_service_address=host:50000"],
        ['--environment_config={"url": "host:50000", "params": {}}'],
    ],
)
def test_the_worker_pool_is_found_in_each_of_beam_s_forms(texts):
    assert parsed("--runner=PrismRunner", "--environment_type=EXTERNAL", *texts).worker_pool == "host:50000"


@pytest.mark.parametrize("text", ["8099", "localhost", "localhost:", "localhost:port", ""])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(UserError, match="write it as HOST:PORT"):
        endpoints.address("--job_endpoint", text)


def test_an_address_is_shown_without_its_password():
    assert endpoints.address("--job_endpoint", "https://me:secret@host/path") == ("host", 443)
    with pytest.raises(UserError) as raised:
        endpoints.address("--job_endpoint", "http://me:secret@host:port")
    assert "secret" not in str(raised.value)


@pytest.fixture
def silent():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def web():
    """A web server, which is no job service."""
    import http.server

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_job_endpoint_that_is_dead_silent_or_something_else_is_told_at_once(silent, web):
    for port, told in (
        (closed_port(), "nothing listens there"),
        (silent, "what listens there is no Beam job service"),
        (web, "what listens there is no Beam job service"),
    ):
        given = parsed("--runner=PortableRunner", f"--job_endpoint=127.0.0.1:{port}", "--environment_type=LOOPBACK")
        began = time.monotonic()
        with pytest.raises(ResourceError, match=told):
            endpoints.check(given)
        assert time.monotonic() - began < endpoints.SECONDS + 3


def test_a_cluster_and_java_are_looked_for(monkeypatch, tmp_path):
    with pytest.raises(ResourceError, match=r"--flink_master=127\.0\.0\.1:\d+: nothing listens there"):
        endpoints.check(parsed("--runner=FlinkRunner", f"--flink_master=127.0.0.1:{closed_port()}"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for runner in ("FlinkRunner", "SparkRunner"):
        with pytest.raises(ResourceError, match=f"{runner} starts a job server with Java, and there is no java"):
            endpoints.check(parsed(f"--runner={runner}"))


def test_a_worker_pool_that_is_not_here_is_refused_only_where_it_must_be(silent):
    pool = f"--environment_config=127.0.0.1:{closed_port()}"
    with pytest.raises(ResourceError, match="no worker pool listens on"):
        endpoints.check(parsed("--runner=PrismRunner", "--environment_type=EXTERNAL", pool))
    remote = parsed("--runner=PortableRunner", "--job_endpoint=host:1", "--environment_type=EXTERNAL", pool)
    assert "no worker pool listens on" in endpoints.warning(remote)
    here = f"--environment_config=127.0.0.1:{silent}"
    assert not endpoints.warning(parsed("--runner=PrismRunner", "--environment_type=EXTERNAL", here))


def explained(text, *texts, **options):
    given = parsed("--runner=PortableRunner", "--job_endpoint=localhost:8073", *texts)
    return str(engine_failures.explain(RuntimeError(text), given, "localhost:8073", **options))


def test_a_lost_worker_is_told_with_engine_pool_and_how_to_go_on():
    pool = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")
    prism = (
        "Pipeline job-001 failed in state FAILED: bundle inst002 stage-005 failed:SDK worker disconnected: "
        "worker[job-001[job]_ref_Environment_default_environment_1], 2 active instructions, error: context canceled"
    )
    assert explained(prism, *pool) == (
        "PortableRunner at localhost:8073 lost its workers, of the worker pool at localhost:50000: SDK worker "
        "disconnected, 2 active instructions, error: context canceled. Start the pool again. The same command goes on "
        "from there."
    )
    assert "nothing listens there any more" in explained(
        "Pipeline job failed in state CANCELLED: x", *pool, pool_gone=True
    )
    refused = 'Traceback (most recent call last):\n  File "x.py", line 1\ngrpc.Error: connection refused\n>\n'
    assert "lost a worker (LOOPBACK): grpc.Error: connection refused" in explained(
        refused, "--environment_type=LOOPBACK"
    )


def test_what_is_not_the_engine_s_stays_as_it_is():
    given = parsed("--runner=PrismRunner")
    assert engine_failures.explain(ValueError("ours"), given, "localhost:1") is None
    assert engine_failures.explain(KeyboardInterrupt(), given, "localhost:1") is None


OWNER = """
import sys, threading, time
sys.path.insert(0, {root!r})
from components.engine.job_servers import WATCH
WATCH.log = {log!r}
command = [sys.executable, "-c", {server!r}, {port!r}]
WATCH.server("a server", lambda: (command, "localhost:{port}"), ["key"])
WATCH.server("a server", lambda: 1 / 0, ["key"])
print("serves", flush=True)
sys.stdin.readline()
{end}
"""
SERVER = """
import os, signal, socket, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print("pids", os.getpid(), child.pid, flush=True)
with socket.create_server(("localhost", int(sys.argv[1]))) as server:
    while True:
        server.accept()
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.02)
    return not any(map(alive, pids))


@pytest.mark.parametrize("end", ["WATCH.close()", "import os; os._exit(0)", "kill -9 the owner", "kill -9 the guard"])
def test_a_server_ends_with_its_owner_in_whatever_way_that_ends(end, tmp_path):
    port, log = str(closed_port()), tmp_path / "log"
    text = OWNER.format(
        root=str(ROOT), log=str(log), server=SERVER, port=port, end="time.sleep(300)" if "-9" in end else end
    )
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout.readline() == "serves\n"
        pids = [int(word) for word in log.read_text().split() if word.isdecimal()]
        [guard] = map(int, Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text().split())
        assert len(pids) == 2
        assert all(map(alive, pids))
        # A terminal's Ctrl-C and a session's end reach neither: they end after what they serve.
        assert os.getsid(guard) == guard
        if "-9" in end:
            os.kill(guard if "guard" in end else owner.pid, signal.SIGKILL)
        else:
            owner.stdin.write("\n")
            owner.stdin.flush()
        # Nobody is left to end what the server itself has started where the guard was killed.
        assert gone(pids[:1] if "guard" in end else [*pids, guard])
        owner.kill()
        os.kill(pids[1], signal.SIGKILL) if alive(pids[1]) else None


def test_a_server_that_does_not_start_is_told_with_its_last_words(tmp_path):
    from components.engine.job_servers import Watch

    watch = Watch()
    watch.log = str(tmp_path / "log")
    dying = [sys.executable, "-c", "print('first'); print('no such jar'); raise SystemExit(3)"]
    with pytest.raises(ResourceError, match=r"of Some did not start; it ended with exit code 3: first / no such jar"):
        watch.server("Some", lambda: (dying, f"localhost:{closed_port()}"), [])
    with pytest.raises(ResourceError, match=r"/no/program cannot be started: No such file or directory"):
        watch.server("Some", lambda: (["/no/program"], f"localhost:{closed_port()}"), [])
    watch.close()
