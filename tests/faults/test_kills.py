"""Kills at random times. KILLS=100 makes a hundred; SEED=... repeats a sequence."""

import collections
import gzip
import json
import os
import random
import statistics
import struct
import time

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.store.execution_folders import parse
from inspection.store.store_address import connection_config
from serving import versions

KILLS = int(os.environ.get("KILLS", "5"))
SEED = int(os.environ.get("SEED", "1"))
SAMPLE = 5
"""So many go with every run of the tests; more are slow."""
PIPELINE = "points-xor_linear"
pytestmark = [pytest.mark.slow] if KILLS > SAMPLE else []
STATES = pb.Execution


def arguments(root):
    return (
        *("--local", "--pipeline", "points", "--variant", "xor_linear", "--root", root, "--no-cache"),
        *("--set", "training.epochs=1", "--set", "evaluation.floor={}"),
    )


def successes(root, run_id):
    """Executions of a run that ended well, by stage; and how many count as running."""
    store = MetadataStore(connection_config(str(root), os.environ.get("PIPELINE_METADATA")))
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    completed_runs, running = collections.defaultdict(list), 0
    for execution in store.get_executions_by_context(context.id) if context else ():
        names = {
            context_of_execution.type: context_of_execution.name
            for context_of_execution in store.get_contexts_by_execution(execution.id)
        }
        if execution.last_known_state in (STATES.COMPLETE, STATES.CACHED):
            completed_runs[names["node"].removeprefix(f"{PIPELINE}.")].append(execution.id)
        running += execution.last_known_state == STATES.RUNNING
    return dict(completed_runs), running


def rows(folder):
    """Records of all splits, counted in their files."""
    count = 0
    for path in folder.glob("Split-*/*.gz"):
        with gzip.open(path) as file:
            while head := file.read(12):
                file.seek(struct.unpack("<Q", head[:8])[0] + 4, 1)
                count += 1
    return count


def stage_seconds(folder):
    """What the stages of a run took, the attempts that finished them taken together."""
    lines = (folder / "events.jsonl").read_text().splitlines()
    return sum(event["seconds"] for event in map(json.loads, lines) if event.get("state") == "COMPLETE")


def half_versions(root):
    folder = str(root / PIPELINE / "serving")
    return [
        version
        for version in versions.pushed(folder)
        if versions.read(folder, version).digest != versions.digest(os.path.join(folder, str(version)))
    ]


def orphans(root, good):
    """Folders of artifacts that no successful execution made."""
    folders = (root / PIPELINE / "artifacts").glob("*/[!.]*/*")
    return [folder for folder in folders if parse(folder.name).execution not in good]


@pytest.mark.parametrize("kind", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.slow)])
def test_a_run_that_is_killed_at_any_time_resumes(warm, tmp_path, figure, kind, monkeypatch, request):
    """Fault 1: SIGKILL of supervisor and worker at a moment drawn over the run's wall time, then the same command."""
    root, draw = tmp_path / "runs", random.Random(SEED)
    if kind == "PostgreSQL":
        monkeypatch.setenv("PIPELINE_METADATA", request.getfixturevalue("postgresql").new_database())
    first_run = warm.run(*arguments(root))
    assert first_run.code == 0, first_run.err
    start = time.monotonic()
    assert warm.run(*arguments(root)).code == 0
    seconds = time.monotonic() - start
    runs = root / PIPELINE / "runs"
    beside = seconds - stage_seconds(runs / max(os.listdir(runs)))
    expected = rows(next((root / PIPELINE / "artifacts/ingestion/examples").iterdir()))
    hits, redone, half, lost, finished, spans = collections.Counter(), 0, 0, 0, 0, []
    for number in range(KILLS):
        runs_before = set(os.listdir(runs))
        moment = draw.uniform(0, seconds)
        spans.append(seconds)
        running = warm.start(*arguments(root))
        time.sleep(moment)
        running.kill()
        half += len(half_versions(root))
        new_runs = set(os.listdir(runs)) - runs_before
        run_id = new_runs.pop() if new_runs else None
        events = runs / (run_id or "") / "events.jsonl"
        lines = events.read_text().splitlines() if events.exists() else []
        nodes = [json.loads(line) for line in lines if '"event": "node"' in line and line.endswith("}")]
        stage = f"{nodes[-1]['state'].lower()} {nodes[-1]['node']}" if nodes else "before the first stage"
        hits[nodes[-1]["node"] if nodes else "start"] += 1
        executions_before, _ = successes(root, run_id) if run_id else ({}, 0)
        record = runs / (run_id or "") / "run.json"
        # Its report may be what was killed.
        ended = running.code == 0 or (record.exists() and json.loads(record.read_text()).get("state") == "COMPLETE")

        resumed = warm.run(*arguments(root))

        print(f"kill {number}, seed {SEED}: at {moment:.2f} s of {seconds:.2f} s, {stage}; then {resumed.nodes}")
        assert resumed.code == 0, resumed.err
        # A run that was killed before it was recorded is not resumed.
        resumed_id = os.path.basename(resumed.result().line("Run:"))
        assert resumed_id == run_id or ended or not executions_before
        executions, still = successes(root, resumed_id)
        finished += set(executions) == set(resumed.nodes)
        redone += sum(executions[node] != ids for node, ids in executions_before.items()) if not ended else 0
        # Other work on the machine makes runs longer and shorter; the next draw is over what this one took.
        seconds = beside + stage_seconds(runs / resumed_id)
        assert still == 0
        assert all(len(ids) == 1 for ids in executions.values()), executions
        good = {execution for run in os.listdir(runs) for ids in successes(root, run)[0].values() for execution in ids}
        assert orphans(root, good) == []
        half += len(half_versions(root))
        [folder] = (root / PIPELINE / "artifacts/ingestion/examples").glob(f"{executions['ingestion'][0]}-*")
        lost += rows(folder) != expected
    stages_hit = ", ".join(f"{stage} {count}" for stage, count in hits.most_common())
    figure(
        1,
        f"{KILLS} kills on {kind}, seed {SEED}, over {statistics.median(spans):.1f} s at the median and "
        f"{max(spans):.1f} s at most ({stages_hit}): {finished} ended well, finished steps redone = {redone}, "
        f"half versions = {half}, runs with "
        f"lost rows = {lost}",
    )
    assert (finished, redone, half, lost) == (KILLS, 0, 0, 0)
