"""Beam arguments, checks of endpoints, messages of engine failures, and the guard process of job servers and jobs."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from components.engine import arguments, endpoints, engine_failures
from errors import ResourceError, UserError
from tests import ports, processes

ROOT = Path(__file__).parents[2]


def parsed(*argv):
    return arguments.parse(arguments.normalize(argv))


@pytest.mark.parametrize(
    ("argv", "runner", "environment"),
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
def test_a_runner_has_the_name_that_beam_uses(argv, runner, environment):
    beam_args = parsed(*argv)
    assert (beam_args.runner, beam_args.environment) == (runner, environment)
    assert [argument for argument in beam_args.argv if argument.startswith("--runner")] == [f"--runner={runner}"]


@pytest.mark.parametrize(
    ("argv", "packed"),
    [
        (["--runner=PrismRunner"], False),
        (["--runner=PrismRunner", "--sdk_container_image=mine"], False),
        (["--runner=FlinkRunner", "--flink_master=host:8081"], True),
    ],
)
def test_tfx_packages_its_source_only_for_remote_workers(argv, packed):
    images = [argument for argument in arguments.normalize(argv) if argument.startswith("--sdk_container_image")]
    assert images == ([] if packed else [argv[-1] if "image" in argv[-1] else arguments.NO_IMAGE])


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
        ("--runner=PrismRunner --prism_location=/nowhere/prism", "prism does not exist: give the path"),
        ("--runner=FlinkRunner --flink_job_server_jar=/nowhere/a.jar", "jar does not exist: give the path"),
        ("--runner", "expected one argument"),
    ],
)
def test_engines_that_give_wrong_results_or_cannot_run_are_rejected(text, message):
    with pytest.raises(UserError, match=message):
        arguments.normalize(text.split())


@pytest.mark.parametrize(
    "argv",
    [
        ["--environment_config=host:50000"],
        ["--environment_options=external_service_address=host:50000"],
        ['--environment_config={"url": "host:50000", "params": {}}'],
    ],
)
def test_the_address_of_a_worker_pool_is_parsed_in_each_of_beam_s_forms(argv):
    assert parsed("--runner=PrismRunner", "--environment_type=EXTERNAL", *argv).worker_pool == "host:50000"


@pytest.mark.parametrize("text", ["8099", "localhost", "localhost:", "localhost:port", ""])
def test_an_invalid_address_is_rejected(text):
    with pytest.raises(UserError, match="write it as HOST:PORT"):
        endpoints.address("--job_endpoint", text)


def test_no_message_contains_the_password_of_an_address():
    assert endpoints.address("--job_endpoint", "https://me:secret@host/path") == ("host", 443)
    with pytest.raises(UserError) as raised:
        endpoints.address("--job_endpoint", "http://me:secret@host:port")
    assert "secret" not in str(raised.value)


@pytest.fixture
def silent():
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def web():
    """A web server, which is not a job service."""
    import http.server

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_job_endpoint_that_is_dead_silent_or_another_service_is_rejected_within_its_timeout(silent, web):
    for port, message in (
        (ports.unused(), "nothing listens on this port"),
        (silent, r"is not a Beam job service \(no answer within 2 s\)"),
        (web, "is not a Beam job service"),
    ):
        beam_args = parsed("--runner=PortableRunner", f"--job_endpoint=127.0.0.1:{port}", "--environment_type=LOOPBACK")
        with pytest.raises(ResourceError, match=message):
            endpoints.check(beam_args)


def test_a_missing_cluster_or_java_is_rejected(monkeypatch, tmp_path):
    with pytest.raises(ResourceError, match=r"--flink_master=127\.0\.0\.1:\d+: nothing listens on this port"):
        endpoints.check(parsed("--runner=FlinkRunner", f"--flink_master=127.0.0.1:{ports.unused()}"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for runner in ("FlinkRunner", "SparkRunner"):
        with pytest.raises(ResourceError, match=f"{runner} starts a job server with Java, but java is not installed"):
            endpoints.check(parsed(f"--runner={runner}"))


def test_a_missing_local_worker_pool_is_an_error_for_a_local_engine_and_a_warning_for_a_remote_one(silent):
    pool = f"--environment_config=127.0.0.1:{ports.unused()}"
    with pytest.raises(ResourceError, match="no worker pool listens on"):
        endpoints.check(parsed("--runner=PrismRunner", "--environment_type=EXTERNAL", pool))
    remote = parsed("--runner=PortableRunner", "--job_endpoint=host:1", "--environment_type=EXTERNAL", pool)
    assert "no worker pool listens on" in endpoints.warning(remote)
    listening_pool = f"--environment_config=127.0.0.1:{silent}"
    assert not endpoints.warning(parsed("--runner=PrismRunner", "--environment_type=EXTERNAL", listening_pool))


def explained(text, *argv, **options):
    beam_args = parsed("--runner=PortableRunner", "--job_endpoint=localhost:8073", *argv)
    return str(engine_failures.explain(RuntimeError(text), beam_args, "localhost:8073", **options))


def test_the_error_of_a_lost_worker_names_engine_and_pool_and_how_to_resume():
    pool = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")
    prism = (
        "Pipeline job-001 failed in state FAILED: bundle inst002 stage-005 failed:SDK worker disconnected: "
        "worker[job-001[job]_ref_Environment_default_environment_1], 2 active instructions, error: context canceled"
    )
    assert explained(prism, *pool) == (
        "PortableRunner at localhost:8073 lost its workers in the worker pool at localhost:50000: SDK worker "
        "disconnected, 2 active instructions, error: context canceled. Start the pool again. Run the same command "
        "again to resume."
    )
    assert "nothing listens on its port" in explained(
        "Pipeline job failed in state CANCELLED: x", *pool, pool_lost=True
    )
    refused = 'Traceback (most recent call last):\n  File "x.py", line 1\ngrpc.Error: connection refused\n>\n'
    assert "lost a worker (LOOPBACK): grpc.Error: connection refused" in explained(
        refused, "--environment_type=LOOPBACK"
    )


def test_errors_that_the_engine_did_not_cause_are_not_explained():
    beam_args = parsed("--runner=PrismRunner")
    assert engine_failures.explain(ValueError("ours"), beam_args, "localhost:1") is None
    assert engine_failures.explain(KeyboardInterrupt(), beam_args, "localhost:1") is None


OWNER = """
import sys, threading, time
sys.path.insert(0, {root!r})
from components.engine.job_servers import JOB_SERVERS
JOB_SERVERS.log = {log!r}
command = [sys.executable, "-c", {server!r}, {port!r}]
JOB_SERVERS.start("a server", lambda: (command, "localhost:{port}"), ["key"])
JOB_SERVERS.start("a server", lambda: 1 / 0, ["key"])
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


@pytest.mark.parametrize(
    "end", ["JOB_SERVERS.close()", "import os; os._exit(0)", "kill -9 the owner", "kill -9 the guard"]
)
def test_a_job_server_ends_with_its_owner_even_if_that_is_killed(end, tmp_path):
    port, log = str(ports.unused()), tmp_path / "log"
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
        assert all(map(processes.alive, pids))
        # Signals of the terminal, such as Ctrl-C, do not reach the guard: it ends after its owner.
        assert os.getsid(guard) == guard
        if "-9" in end:
            os.kill(guard if "guard" in end else owner.pid, signal.SIGKILL)
        else:
            owner.stdin.write("\n")
            owner.stdin.flush()
        # If the guard was killed, nothing stops the child processes of the server.
        assert processes.left(pids[:1] if "guard" in end else [*pids, guard]) == []
        owner.kill()
        os.kill(pids[1], signal.SIGKILL) if processes.alive(pids[1]) else None


def test_the_error_of_a_server_that_does_not_start_has_the_end_of_its_log(tmp_path):
    from components.engine.job_servers import JobServers

    servers = JobServers()
    servers.log = str(tmp_path / "log")
    dying = [sys.executable, "-c", "print('first'); print('no such jar'); raise SystemExit(3)"]
    with pytest.raises(ResourceError, match=r"of Some did not start: it exited with code 3: first / no such jar"):
        servers.start("Some", lambda: (dying, f"localhost:{ports.unused()}"), [])
    with pytest.raises(ResourceError, match=r"/no/program cannot be started: No such file or directory"):
        servers.start("Some", lambda: (["/no/program"], f"localhost:{ports.unused()}"), [])
    servers.close()
