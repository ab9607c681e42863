"""Trials in processes of their own, and the node that starts them."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import keras_tuner
import pytest
from tfx.types import standard_artifacts

from components.tuner import executor, trial_pool
from errors import UserError
from models.training import trial_process
from spec import tuning

NETWORK = {"name": "mlp", "layers": [8]}
TRAINING = {"optimizer": {"name": "adam", "learning_rate": 0.05}, "epochs": 3, "batch_size": 16, "loss": None}
SPACE = {
    "network.layers": {"choices": [[4], [8], [8, 4]]},
    "training.optimizer.learning_rate": {"low": 1e-3, "high": 0.1},
}


def jobs(*layers, **training):
    return {
        number: {"network": {**NETWORK, "layers": [size]}, "training": {**TRAINING, "deterministic": True, **training}}
        for number, size in enumerate(layers)
    }


def children():
    """Processes of trials that this process started."""
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and trial_pool.MODULE.encode() in (entry / "cmdline").read_bytes():
                    pids.append(int(entry.name))
            except OSError:
                continue
    return sorted(pids)


def test_results_do_not_depend_on_the_process_and_none_is_left(trial_order):
    in_process = trial_process.Trials(trial_order)
    with trial_pool.Pool(trial_order, 2) as train:
        results = dict(train(jobs(4, 8, 12)))
        assert len(children()) == 2

    assert children() == []
    assert [results[number].metrics for number in range(3)] == [
        in_process.run(job)["metrics"] for job in jobs(4, 8, 12).values()
    ]


def test_a_process_that_is_killed_takes_one_trial_with_it(trial_order):
    def kill():
        while not children():
            time.sleep(0.05)
        os.kill(children()[0], signal.SIGKILL)

    with trial_pool.Pool(trial_order, 1) as train:
        threading.Thread(target=kill, daemon=True).start()
        results = list(train(jobs(4, 8)))

    (first_number, lost), (second_number, good) = results
    assert (first_number, second_number) == (0, 1)
    assert lost.failure == "its process was killed by signal 9: memory may have run out, lower tuner.parallel"
    assert not lost.keep
    assert good.failure is None


@pytest.fixture
def node(trial_order, tmp_path):
    """Runs the node's executor; returns the folders of its two outputs."""
    base = Path(trial_order.train_files[0]).parents[1]
    examples, graph = standard_artifacts.Examples(), standard_artifacts.TransformGraph()
    examples.uri, graph.uri = str(base), trial_order.transform_output
    examples.split_names = json.dumps(["train", "eval"])
    shared = trial_order.model_dump(mode="json", include={"features", "label"})

    def run(name, training=TRAINING, **tuner):
        outputs = {
            "best_hyperparameters": [standard_artifacts.HyperParameters()],
            "tuner_results": [standard_artifacts.TunerResults()],
        }
        for key, (artifact,) in outputs.items():
            artifact.uri = str(tmp_path / name / key)
        tuner = {"space": SPACE, "trials": 3, **tuner}
        settings = {"inline": {**shared, "network": NETWORK, "training": training, "tuner": tuner}}
        executor.Executor().Do(
            {"examples": [examples], "transform_graph": [graph]},
            outputs,
            {"settings": json.dumps(settings), "code": "", "trials": str(tmp_path / "kept"), "anew": 0},
        )
        line = outputs["best_hyperparameters"][0].get_string_custom_property("summary")
        return Path(tmp_path / name / "best_hyperparameters"), Path(tmp_path / name / "tuner_results"), line

    return run


def test_the_node_writes_what_stock_tfx_reads_and_trains_nothing_twice(node, monkeypatch):
    best, results, line = node("first", parallel=1)
    trials = [json.loads(text) for text in (results / "trials.jsonl").read_text().splitlines()]
    records = json.loads((results / "tuner_results.json").read_text())
    read = keras_tuner.HyperParameters.from_config(json.loads((best / "best_hyperparameters.txt").read_text()))
    winner = next(trial for trial in trials if trial["best"])

    assert [path.name for path in best.iterdir()] == ["best_hyperparameters.txt"]
    assert {path.name for path in results.iterdir()} == {"tuner_results.json", *executor.FILES}
    assert [record["score"] for record in records] == sorted(trial["score"] for trial in trials)
    assert records[0]["trial_id"] == str(winner["trial"])
    assert winner["score"] <= trials[0]["score"]
    if winner["trial"]:
        assert tuning.best(read.get_config()) == winner["values"]
    assert f"{winner['score']:.4g}" in line

    monkeypatch.setattr(trial_pool, "MODULE", "models.no_such_module")
    second_trials = [json.loads(text) for text in (node("again")[1] / "trials.jsonl").read_text().splitlines()]
    assert second_trials == [{**trial, "earlier": True} for trial in trials]


def test_a_search_in_which_all_diverge_is_an_error(node):
    training = {**TRAINING, "optimizer": {"name": "sgd", "learning_rate": 1e30}}
    space = {"training.optimizer.learning_rate": {"low": 1e30, "high": 2e30}}
    with pytest.raises(UserError, match=r"tuner: all 3 trials failed.*\n  training: .* became (nan|inf) in epoch 1"):
        node("diverging", training=training, space=space)
