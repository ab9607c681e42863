"""Stores that are shared by many runs, fail, or do not exist; secrets."""

import json
import os
import time
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.store.store_address import connection_config

from ..postgresql_server import PASSWORD

VARIANTS = (
    *("xor_linear", "xor_product", "xor_hidden", "circles_linear"),
    *("circles_product", "circles_hidden", "moons_linear", "moons_hidden"),
)
"""Eight pipelines of one config."""
CANARY = "canary-0f3c9b7e"


def command(root, variant, *more):
    quick = ("--set", "training.epochs=1", "--set", "evaluation.floor={}")
    return ("--local", "--pipeline", "points", "--variant", variant, "--root", root, *quick, *more)


def records(root, url):
    """Runs, executions by state, and artifacts without a producer or twice, of a whole store."""
    store = MetadataStore(connection_config(str(root), url))
    states = [pb.Execution.State.Name(record.last_known_state) for record in store.get_executions()]
    uris = [record.uri for record in store.get_artifacts()]
    return store.get_contexts_by_type("pipeline_run"), states, len(uris) - len(set(uris))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_eight_simultaneous_runs_share_a_store(warm, tmp_path, figure, request, kind):
    """Fault 18: eight pipelines on one store, and on SQLite two runs of one of them."""
    url = None if kind == "SQLite" else request.getfixturevalue("postgresql").url
    more = ("--to", "statistics") if url is None else ()
    environment = {} if url is None else {"PIPELINE_METADATA": url}
    root, start = tmp_path / "runs", time.monotonic()
    started = [warm.start(*command(root, variant, *more), **environment) for variant in VARIANTS]
    if url is None:
        started.append(warm.start(*command(root, VARIANTS[0], *more)))
    for running in started:
        running.wait(500)
    seconds = time.monotonic() - start
    assert [running.code for running in started] == [0] * len(started), [running.err for running in started]
    runs, states, twice = records(root, url)
    lost = sum(len(running.nodes) for running in started) - len(states)
    if url is None:
        waited = [running for running in started if "waiting for it to end" in running.out]
        assert len(waited) == 1
        assert set(waited[0].nodes.values()) == {"cached"}
    assert len(runs) == len(started)
    assert set(states) <= {"COMPLETE", "CACHED"}
    figure(18, f"{len(started)} runs at once on {kind} in {seconds:.0f} s, records lost = {lost}, twice = {twice}")
    assert (lost, twice) == (0, 0)


@pytest.mark.slow
def test_two_pipelines_of_one_store_have_separate_baselines(warm, tmp_path, figure):
    """Fault 18: the model of another pipeline is no baseline."""
    root = tmp_path / "runs"
    for variant in ("xor_linear", "circles_linear"):
        result = warm.run(*command(root, variant))
        assert result.code == 0, result.err
        assert "no baseline yet: no model is served" in result.out
    figure(18, "two pipelines in one store: baselines of each other = 0")


@pytest.mark.slow
def test_a_run_resumes_after_a_crash_of_the_database_server(warm, tmp_path, figure, postgresql):
    """Fault 19: PostgreSQL is killed while the transformation runs, and started again."""
    root = tmp_path / "runs"
    options = (*command(root, "xor_product"), "--new-run", "--no-cache", "--to", "transformation")
    running = warm.start(*options, PIPELINE_METADATA=postgresql.url)
    while '"transformation", "state": "RUNNING"' not in "".join(
        path.read_text() for path in root.glob("*/runs/*/events.jsonl")
    ):
        assert running.going, running.err
        time.sleep(0.02)
    time.sleep(0.5)
    postgresql.kill()
    running.wait(90)
    assert running.code in (4, 5), running.out
    assert "Traceback" not in running.err
    assert "stage transformation failed" in running.err
    [facts] = [json.loads(path.read_text()) for path in root.glob("*/runs/*/run.json")]
    assert facts["state"] == "FAILED"
    start = time.monotonic()
    postgresql.start()
    resumed = warm.run(*(part for part in options if part != "--new-run"), PIPELINE_METADATA=postgresql.url)
    assert resumed.code == 0, resumed.err
    assert facts["run_id"] in resumed.out
    assert resumed.nodes["statistics"] == "kept"
    assert resumed.nodes["transformation"] == "done"
    figure(19, f"FAILED with exit code {running.code}, went on {time.monotonic() - start:.0f} s after the start")


@pytest.mark.slow
def test_a_missing_database_server_or_a_wrong_password_is_rejected(warm, tmp_path, figure, postgresql):
    """Fault 20: no server at the port; a wrong password."""
    slowest = 0.0
    wrong = postgresql.url.replace(PASSWORD, "wrong-w0rd")
    for url in (f"postgresql://owner:{PASSWORD}@127.0.0.1:1/runs", wrong):
        start = time.monotonic()
        result = warm.run(*command(tmp_path / "runs", "xor_linear"), "--metadata", url)
        slowest = max(slowest, time.monotonic() - start)
        assert result.code == 5
        assert "127.0.0.1" in result.err
        assert PASSWORD not in result.out + result.err
        assert "wrong-w0rd" not in result.out + result.err
    figure(20, f"refused within {slowest:.1f} s, passwords shown = 0")
    assert slowest < 10


@pytest.mark.slow
def test_long_execution_properties_are_stored(warm, tmp_path, figure, postgresql):
    """Fault 21: edges of buckets in 3, 20 and 70 KB of settings."""
    from spec import settings

    sizes = []
    for number, count in enumerate((150, 1000, 4400)):
        edges = [round(index / count + 0.000123456789, 12) for index in range(count)]
        root = tmp_path / f"runs-{number}"
        roles = f"features={{numeric = [{{column = 'x2'}}], bucketized = [{{column = 'x1', edges = {edges}}}]}}"
        options = ("--set", roles, "--to", "transformation")
        result = warm.run(*command(root, "moons_linear", *options), PIPELINE_METADATA=postgresql.url)
        assert result.code == 0, result.err
        store = MetadataStore(connection_config(str(root), postgresql.url))
        executions = store.get_executions_by_type("components.transformation.executor.Executor") or [
            execution for execution in store.get_executions() if "custom_config" in execution.custom_properties
        ]
        packed = json.loads(
            max(executions, key=lambda execution: execution.id).custom_properties["custom_config"].string_value
        )
        read = settings.unpack(packed["settings"])
        assert read["features"]["bucketized"][0]["edges"] == edges
        sizes.append(len(json.dumps(read)))
    figure(21, f"settings of {', '.join(f'{size / 1000:.0f} KB' for size in sizes)}: equal")
    assert sizes[0] > 2700
    assert sizes[-1] > 50_000


@pytest.mark.slow
def test_a_run_writes_no_secret(warm, tmp_path, figure, postgresql):
    """Fault 32: the database's password and a variable of the environment, looked for in all that a run leaves."""
    root, job = tmp_path / "runs", tmp_path / "job.yaml"
    environment = {"PIPELINE_METADATA": postgresql.url, "AWS_SECRET_ACCESS_KEY": CANARY}
    result = warm.run(*command(root, "xor_hidden"), **environment)
    assert result.code == 0, result.err
    failed = warm.run(*command(root, "xor_hidden", "--set", "data.path=gone.csv", "-v"), **environment)
    assert failed.code == 2
    compiled = warm.run(
        *("--kubeflow", "--pipeline", "points", "--variant", "xor_hidden", "--output", job), **environment
    )
    assert compiled.code == 0, compiled.err
    details = warm.run("inspect", "show", "latest", "--root", root, **environment)
    assert details.code == 0, details.err
    texts = {"database": postgresql.dump().encode(), "job": job.read_bytes()}
    for completed in (result, failed, compiled, details):
        texts[f"output {completed.pid}"] = (completed.out + completed.err).encode()
    for path in root.rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes()
    pages = [name for name in texts if name.endswith(".html")]
    hits = [name for name, text in texts.items() for word in (PASSWORD, CANARY) if word.encode() in text]
    figure(32, f"{len(texts)} texts, {len(pages)} of them pages, looked through: hits = {len(hits)}")
    assert hits == []


def signature(root):
    """Parsed examples of a run, and its model's weights."""
    import hashlib

    import tensorflow as tf

    rows, weights = hashlib.sha256(), hashlib.sha256()
    files = sorted((root / "points-xor_hidden/artifacts/transformation/transformed_examples").rglob("Split-*/*.gz"))
    for record in tf.data.TFRecordDataset([str(path) for path in files], "GZIP"):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        rows.update(repr(sorted((name, str(value)) for name, value in features.items())).encode())
    [model] = (root / "points-xor_hidden/artifacts/trainer/model").iterdir()
    checkpoint = tf.train.load_checkpoint(next(model.rglob("variables.index")).with_suffix(""))
    for name in sorted(checkpoint.get_variable_to_shape_map()):
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH":
            weights.update(name.encode() + checkpoint.get_tensor(name).tobytes())
    return rows.hexdigest(), weights.hexdigest()


@pytest.mark.slow
def test_equal_data_and_config_give_equal_examples_and_weights(warm, tmp_path, figure):
    """Fault 37: two roots, one config."""
    digests = []
    for name in ("a", "b"):
        options = ("--set", "training.deterministic=true", "--to", "trainer")
        result = warm.run(*command(tmp_path / name, "xor_hidden", *options))
        assert result.code == 0, result.err
        digests.append(signature(tmp_path / name))
    figure(37, f"examples {digests[0][0][:8]} = {digests[1][0][:8]}, weights {digests[0][1][:8]} = {digests[1][1][:8]}")
    assert digests[0] == digests[1]


FIFTY = """
import os, sys, threading
from pathlib import Path
from orchestration.local import supervisor
from orchestration.local.fork_server import ForkServer
from orchestration.local.run_request import Request
from pipeline.variants import Name

request = Request(
    name=Name("points", "xor_linear"), root=sys.argv[1], to="statistics", overrides=["evaluation.floor={}"], cache=False
)

def children(pid):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found

with ForkServer() as workers:
    for number in range(int(sys.argv[2])):
        assert supervisor.run(request, workers) == 0
        if number in (2, int(sys.argv[2]) - 1):
            [server] = children(os.getpid())
            counts = [
                len(os.listdir("/proc/self/fd")),
                len(os.listdir(f"/proc/{server}/fd")),
                len(children(server)),
                threading.active_count(),
                len(os.listdir(os.environ["TMPDIR"])),
            ]
            print("COUNTS", *counts, file=sys.stderr)
"""


@pytest.mark.slow
def test_fifty_consecutive_runs_leak_nothing(tmp_path, figure):
    """Fault 31: in one supervisor, with one process that forks the workers."""
    import subprocess
    import sys

    from ..warm import REPOSITORY

    (tmp_path / "tmp").mkdir()
    completed = subprocess.run(
        [sys.executable, "-c", FIFTY, str(tmp_path / "runs"), "50"],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "NO_COLOR": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stderr
    first_counts, last_counts = [
        list(map(int, line.split()[1:])) for line in completed.stderr.splitlines() if line.startswith("COUNTS")
    ]
    leftovers = os.listdir(tmp_path / "tmp")
    growth = [last_count - first_count for first_count, last_count in zip(first_counts, last_counts, strict=True)]
    runs = list(Path(tmp_path, "runs").glob("*/runs/*"))
    figure(
        31,
        f"{len(runs)} runs: descriptors, processes, threads, temporary files grew by {sum(growth)}; left {leftovers}",
    )
    assert len(runs) == 50
    assert growth == [0] * len(growth)
    assert leftovers == []
