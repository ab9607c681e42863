"""Runs that are stopped, hang, or use too much memory."""

import collections
import json
import os
import signal
import time

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.store.store_address import connection_config

from ..trees import cold_runner, copy_tree

PIPELINE = "points-xor_linear"
STAGES = (
    *("ingestion", "schema", "statistics", "history", "validation", "transformation", "trainer"),
    *("baseline", "plain-models", "evaluator", "pusher"),
)
LONG = {"ingestion": 0.1, "statistics": 0.3, "transformation": 0.5, "trainer": 0.8, "evaluator": 0.0}
"""Stages that take long enough to be met, and seconds after which they are at work."""


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def kind(request, monkeypatch):
    """The kind of store that the runs of a test use."""
    if request.param == "PostgreSQL":
        monkeypatch.setenv("PIPELINE_METADATA", request.getfixturevalue("postgresql").new_database())
    return request.param


def command(root):
    return (
        *("--local", "--pipeline", "points", "--variant", "xor_linear", "--root", root, "--no-cache"),
        *("--set", "training.epochs=1", "--set", "evaluation.floor={}"),
    )


def facts(root):
    [path] = (root / PIPELINE / "runs").glob("*/run.json")
    return json.loads(path.read_text())


def states(root):
    """States of all executions, counted by stage."""
    store = MetadataStore(connection_config(str(root), os.environ.get("PIPELINE_METADATA")))
    states_by_node = collections.defaultdict(list)
    for execution in store.get_executions():
        names = {context.type: context.name for context in store.get_contexts_by_execution(execution.id)}
        state = pb.Execution.State.Name(execution.last_known_state)
        states_by_node[names["node"].removeprefix(f"{PIPELINE}.")].append(state)
    return dict(states_by_node)


def met(warm, root, stage, attempt):
    """Start an attempt and wait until it is in a stage."""
    running = warm.start(*command(root))
    end = time.monotonic() + 300
    while time.monotonic() < end and running.going:
        for path in (root / PIPELINE / "runs").glob("*/events.jsonl"):
            *earlier_attempts, current_attempt = (
                path.read_text().split('"event": "attempt"') if attempt else ["", path.read_text()]
            )
            if len(earlier_attempts) >= attempt and f'"node": "{stage}", "state": "RUNNING"' in current_attempt:
                return running
        time.sleep(0.005)
    raise AssertionError(f"never in {stage}: {running.out} {running.err}")


@pytest.mark.slow
def test_a_run_that_is_killed_in_each_stage_resumes(warm, tmp_path, figure, kind):
    """Fault 1: one run, whose every stage is killed once."""
    root = tmp_path / "runs"
    for attempt, stage in enumerate(STAGES):
        running = met(warm, root, stage, attempt)
        time.sleep(LONG.get(stage, 0))
        running.kill()
    last_run = warm.run(*command(root))
    assert last_run.code == 0, last_run.err
    states_of_nodes = states(root)
    redone = sum(states_.count("COMPLETE") - 1 for states_ in states_of_nodes.values())
    running = sum(states_.count("RUNNING") for states_ in states_of_nodes.values())
    assert len(facts(root)["attempts"]) == len(STAGES) + 1
    dead = sum(states_.count("FAILED") for states_ in states_of_nodes.values())
    figure(
        1,
        f"{len(STAGES)} stages killed on {kind}: steps redone = {redone}, rows left RUNNING = {running}, marked {dead}",
    )
    assert (redone, running) == (0, 0)


@pytest.mark.slow
def test_a_run_that_is_stopped_in_each_long_stage_resumes(warm, tmp_path, figure, kind):
    """Fault 2: SIGINT and SIGTERM in turn, in one run."""
    root, slowest = tmp_path / "runs", 0.0
    for attempt, stage in enumerate(LONG):
        running = met(warm, root, stage, attempt)
        time.sleep(LONG[stage])
        number = (signal.SIGINT, signal.SIGTERM)[attempt % 2]
        start = time.monotonic()
        assert running.going, f"{stage} had ended: {running.out} {running.err}"
        os.kill(running.pid, number)
        running.wait(60)
        slowest = max(slowest, time.monotonic() - start)
        assert running.code == 130, running.err
        assert running.err == "stopped\n"
        assert facts(root)["state"] == "CANCELED"
        assert {"RUNNING", "NEW"}.isdisjoint(
            state for state_of_node in states(root).values() for state in state_of_node
        )
    last_run = warm.run(*command(root))
    assert last_run.code == 0, last_run.err
    assert len(facts(root)["attempts"]) == len(LONG) + 1
    figure(2, f"{len(LONG)} stops on {kind}, exit code 130 each, at most {slowest:.1f} s to stop")


HANG = """
import os, time
from models.transform_graph.preprocessing import preprocessing_fn as stock

def preprocessing_fn(inputs, custom_config):
    held = []
    while os.path.exists({flag!r}):
        time.sleep(0.05)
        if {hog}:
            held.append(bytearray(os.urandom(1 << 20)) * 50)
    return {{"x1": inputs["x1"], "label": inputs["y"]}}
"""


def tree_that(tmp_path, *, hog):
    """A copy whose own preprocessing hangs, or takes memory, as long as a file is there; the file comes with it."""
    tree, flag_file = copy_tree(tmp_path / "tree", rows=10), tmp_path / "flag"
    (tree / "hanging.py").write_text(HANG.format(flag=str(flag_file), hog=hog))
    flag_file.touch()
    return tree, flag_file


def transform(tree, *settings):
    options = [part for setting in settings for part in ("--set", setting)]
    roles = ("--set", "features={}", "--set", "preprocessing=hanging.preprocessing_fn")
    options_of_run = ("--local", "--pipeline", "points", "--variant", "xor_linear", "--root", tree / "runs")
    return cold_runner(*options_of_run, "--to", "transformation", *roles, *options, tree=tree)


@pytest.mark.slow
def test_a_stage_that_hangs_fails_at_its_limit(tmp_path, figure, kind):
    """Fault 28: a preprocessing that never returns."""
    tree, flag_file = tree_that(tmp_path, hog=False)
    result = transform(tree, "limits.seconds={transformation = 8}")
    assert result.code == 4
    assert "stage transformation failed: it exceeded its time limit of 8 s ([limits])" in result.err
    assert "[limits] seconds = {transformation = 16}" in result.err
    record = facts(tree / "runs")
    events = next((tree / "runs" / PIPELINE / "runs").glob("*/events.jsonl")).read_text().splitlines()
    start = next(json.loads(line) for line in events if '"transformation", "state": "RUNNING"' in line)["time"]
    form = "%Y-%m-%dT%H:%M:%S%z"
    took = time.mktime(time.strptime(record["ended"], form)) - time.mktime(time.strptime(start, form))
    assert states(tree / "runs")["transformation"] == ["FAILED"]
    flag_file.unlink()
    resumed = transform(tree, "limits.seconds={transformation = 60}")
    assert resumed.code == 0, resumed.err
    assert (resumed.nodes["ingestion"], resumed.nodes["transformation"]) == ("kept", "done")
    figure(28, f"limit 8 s on {kind}, FAILED after {took:.0f} s; goes on under a wider limit")
    assert took <= 8 + 5


@pytest.mark.slow
def test_a_stage_that_takes_too_much_memory_fails_at_its_limit(tmp_path, figure, kind):
    """Fault 29: a preprocessing that takes 1 GB a second."""
    tree, flag_file = tree_that(tmp_path, hog=True)
    result = transform(tree, "limits.memory_gb=3")
    assert result.code == 4
    assert "limits.memory_gb is 3. Run the same command again to resume" in result.err
    peak = facts(tree / "runs")["peak_memory_mb"]
    assert states(tree / "runs")["transformation"] == ["FAILED"]
    flag_file.unlink()
    resumed = transform(tree, "limits.memory_gb=3")
    assert resumed.code == 0, resumed.err
    assert (resumed.nodes["ingestion"], resumed.nodes["transformation"]) == ("kept", "done")
    figure(29, f"limit 3,000 MB on {kind}, killed at {peak:,} MB; goes on")
    assert peak < 6000
