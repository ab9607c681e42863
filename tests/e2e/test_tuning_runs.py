"""A tuning that is killed, resumed, and passes its best trial to the trainer."""

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from .. import processes, warm
from .conftest import run_folder, runner

SPACE = """tuner.space={
"network.layers" = {choices = [[4], [16]]},
"training.optimizer.learning_rate" = {low = 1e-3, high = 1e-2, scale = "log"}}""".replace("\n", " ")
SET = ["--set", SPACE, "--set", "tuner.trials=4", "--set", "training.epochs=12"]


def below(pid):
    """Processes under one, however deep."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    pids = {pid}
    while more := {child for child, parent in parents.items() if parent in pids} - pids:
        pids |= more
    return pids - {pid}


def test_a_killed_tuning_resumes_and_the_trainer_uses_its_best_values(tmp_path):
    trials_folder = tmp_path / "cars" / "trials"
    killed = warm.shared().start("tune", "cars", "--root", tmp_path, *SET)
    processes.wait_until(lambda: list(trials_folder.glob("*.json")), lambda: killed.out + killed.err, seconds=600)
    descendants = below(killed.pid)
    os.kill(killed.pid, signal.SIGKILL)
    assert processes.left(descendants) == []
    finished = len(list(trials_folder.glob("*.json")))
    assert 1 <= finished < 4

    tuned = runner("tune", "cars", "--root", tmp_path, *SET)
    assert tuned.code == 0, tuned.err
    folder = run_folder(tuned)
    trials = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    best = next(trial for trial in trials if trial["best"])
    assert {"trainer", "evaluator", "pusher"}.isdisjoint(tuned.nodes)
    assert tuned.nodes["transformation"] == "kept", "the killed run went on"
    assert [trial["earlier"] for trial in trials].count(True) == finished
    assert best["score"] == min(trial["score"] for trial in trials) <= trials[0]["score"]
    assert {"trials.jsonl", "trials.md", "trials.csv", "trials.svg"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "run.json").read_text())["state"] == "COMPLETE"

    full_run = runner(
        "--local", "--pipeline", "cars", "--root", tmp_path, *SET, "--set", "evaluation.floor={mae = 1e6}"
    )
    assert full_run.code == 0, full_run.err
    assert full_run.nodes["tuner"] == "cached"
    recorded = json.loads((run_folder(full_run) / "run.json").read_text())
    assert recorded.get("tuned", {}) == ({} if best["trial"] == 0 else best["values"])
    result = runner("inspect", "show", "latest", "--root", tmp_path, "--json").out
    used = json.loads(result)["provenance"]["config"]
    assert used["network"]["layers"] == best["values"]["network.layers"]
    history = [json.loads(line) for line in (run_folder(full_run) / "history.jsonl").read_text().splitlines()]
    assert min(line["val_loss"] for line in history) == pytest.approx(best["score"], rel=1e-3)


def test_the_error_of_a_config_without_a_search_space_names_what_to_add(tmp_path):
    result = runner("tune", "cars", "--root", tmp_path)

    assert result.code == 2
    assert result.err.startswith("error: configs/cars.toml has no [tuner]: add ")
