"""Runs on a cloud, from the records of their steps in a bucket."""

import itertools
import json

import pytest

import buckets
from errors import ResourceError, UserError
from inspection.report import report_facts
from inspection.run_history import list_runs, show_run
from inspection.store import artifact_files, replayed_store, step_records
from orchestration.cli import parser

NUMBERS = itertools.count()
BEGAN = 1_795_000_000.0


class Bucket:
    """Runs of the pipeline houses under a root, as the steps of a job on Vertex AI record them.

    Args:
        root: The root.
    """

    def __init__(self, root):
        self.root, self.home, self.steps = root, f"{root}/houses", 0

    def artifact(self, run, task, key, kind, **metadata):
        uri = f"{self.home}/artifacts/1234/{run}/{task}_-77/{key}"
        return {"uri": uri, "type": {"instanceSchema": f"title: tfx.{kind}\ntype: object\n"}, "metadata": metadata}

    def step(self, run, task, inputs=(), outputs=(), state="COMPLETE", reason="", **more):
        started = BEGAN + 10 * self.steps
        self.steps += 1
        record = {
            "task": task,
            "type": f"components.{task}.Executor",
            "started": started,
            "ended": started + 4,
            "state": state,
            "reason": reason,
            "inputs": {key: [artifact] for key, artifact in dict(inputs).items()},
            "outputs": dict(outputs),
            **more,
        }
        buckets.write(f"{self.home}/runs/{run}/steps/{task}.json", json.dumps(record).encode())
        return dict(outputs)

    def complete_run(self, run):
        """Write a run that pushed its model, and return its artifacts by key."""
        examples = self.artifact(run, "ingestion", "examples", "Examples", span=3.0, split_names='["train"]')
        artifacts = self.step(run, "ingestion", outputs={"examples": examples})
        anomalies = {"anomalies": self.artifact(run, "validation", "anomalies", "ExampleAnomalies")}
        self.step(run, "validation", artifacts, anomalies)
        artifacts |= self.step(run, "trainer", artifacts, {"model": self.artifact(run, "trainer", "model", "Model")})
        return artifacts | self.judge(run, artifacts)

    def judge(self, run, artifacts):
        """Write the steps that the platform's cache never serves."""
        used = {key: artifacts[key] for key in ("examples", "model")}
        ids = {"current_model_id": 1e18, "blessed": 1.0, "reason": "r2 0.9 meets the required 0.8"}
        blessing = self.artifact(run, "evaluator", "blessing", "ModelBlessing", **ids)
        judged = self.step(run, "evaluator", used, {"blessing": blessing})
        place = {"pushed": 1.0, "pushed_version": "17", "pushed_destination": f"{self.home}/serving/17"}
        pushed = self.artifact(run, "pusher", "pushed_model", "PushedModel", **place)
        self.step(run, "pusher", {"model": artifacts["model"], **judged}, {"pushed_model": pushed})
        return judged


@pytest.fixture(params=["gs", "s3", "minio"])
def bucket(request):
    request.getfixturevalue("gcs" if request.param == "gs" else "s3")
    return Bucket(f"{request.param}://bucket/replay-{next(NUMBERS)}")


def test_runs_of_a_bucket_are_listed_with_their_times_states_and_reasons(bucket):
    bucket.complete_run("run-1")
    bucket.step("run-2", "ingestion", outputs={})
    bucket.step("run-2", "validation", state="BLOCKED", reason="drift of area")
    bucket.step("run-3", "ingestion", state="RUNNING")
    store = replayed_store.open_root(bucket.root, None)
    runs = {run.run_id: run for run in list_runs(store)}
    assert list(runs) == ["run-3", "run-2", "run-1"]
    assert {name: (run.pipeline, run.state, run.reason) for name, run in runs.items()} == {
        "run-1": ("houses", "COMPLETE", "r2 0.9 meets the required 0.8"),
        "run-2": ("houses", "BLOCKED", "drift of area"),
        "run-3": ("houses", "RUNNING", ""),
    }
    first_run = runs["run-1"]
    assert first_run.started.timestamp() == BEGAN
    assert (first_run.ended - first_run.started).total_seconds() == 44


def test_a_cached_step_is_that_of_the_run_that_executed_it(bucket):
    artifacts = bucket.complete_run("run-1")
    bucket.judge("run-2", artifacts)
    store = replayed_store.open_root(bucket.root, None)
    nodes = {node.node_id: node for node in show_run(store, "run-2").nodes}
    assert {name: node.state for name, node in nodes.items()} == {
        "ingestion": "CACHED",
        "trainer": "CACHED",
        "evaluator": "COMPLETE",
        "pusher": "COMPLETE",
    }
    [model] = nodes["trainer"].outputs
    assert (model.type, model.producer_run) == ("Model", "run-1")
    [blessing] = nodes["evaluator"].outputs
    assert blessing.properties["current_model_id"] == model.id, "an id of this store, not of the platform"
    [examples] = nodes["ingestion"].outputs
    assert (examples.properties["span"], examples.properties["split_names"]) == (3, '["train"]')


def test_what_a_warm_start_looks_up_is_no_output_of_a_run(bucket):
    looked_up = {
        key: bucket.artifact("run-1", "warm-start", key, kind)
        for key, kind in (("model", "Model"), ("examples", "Examples"))
    }
    bucket.step("run-1", "warm-start", outputs=looked_up)
    bucket.complete_run("run-1")
    facts = report_facts.collect(replayed_store.open_root(bucket.root, None), "run-1")
    assert facts.examples.uri.endswith("/ingestion_-77/examples")
    assert facts.lineage.artifacts[facts.lineage.start].uri.endswith("/trainer_-77/model")


def test_inspect_shows_a_run_of_a_bucket(bucket, capsys):
    bucket.complete_run("run-1")
    buckets.write(f"{bucket.home}/runs/run-1/run.json", json.dumps({"seed": 5, "pipeline": "houses"}).encode())
    assert parser.main(["inspect", "runs", "--root", bucket.root]) == 0
    assert "run-1  houses    COMPLETE" in capsys.readouterr().out
    assert parser.main(["inspect", "show", "latest", "--root", f"{bucket.root}/"]) == 0
    out = capsys.readouterr().out
    assert "trainer" in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("seed")] == ["5"]


def test_files_of_an_artifact_are_read_from_the_bucket_without_rows_and_weights(bucket):
    uri = bucket.artifact("run-1", "trainer", "model", "Model")["uri"]
    for name in ("verdict.json", "Split-train/part.gz", "Split-train/FeatureStats.pb", "variables/data"):
        buckets.write(f"{uri}/{name}", name.encode())
    folder = artifact_files.folder(uri, "Model 1")
    assert artifact_files.read(f"{folder}/verdict.json") == b"verdict.json"
    assert artifact_files.folder(uri, "Model 1") == folder, "copied once"
    assert step_records.names(folder) == ["Split-train", "verdict.json"]
    assert step_records.names(f"{folder}/Split-train") == ["FeatureStats.pb"]
    with pytest.raises(ResourceError, match=r"Model 2: .*/absent does not exist: it was deleted"):
        artifact_files.folder(f"{uri}/absent", "Model 2")


def test_a_bucket_without_runs_or_rights_is_an_error(gcs):
    with pytest.raises(UserError, match=r"no runs under gs://bucket/empty: name the --cloud-root of jobs"):
        replayed_store.open_root("gs://bucket/empty", None)
    gcs.denied = "bucket-of-others"
    with pytest.raises(ResourceError, match="permission denied"):
        replayed_store.open_root("gs://bucket-of-others/root", None)


@pytest.mark.parametrize(
    "command", [["clean", "--yes"], ["backup", "x.sqlite"], ["restore", "x.sqlite"], ["logs", "latest", "trainer"]]
)
def test_commands_for_files_of_this_machine_are_rejected(command, gcs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Bucket("gs://bucket/root").complete_run("run-1")
    assert parser.main(["inspect", *command, "--root", "gs://bucket/root"]) == 2
    assert f"inspect {command[0]} is for runs of this machine" in capsys.readouterr().err


def test_the_name_of_a_type_has_no_module():
    assert replayed_store.type_name({"instanceSchema": "title: tfx.Model\ntype: object\n"}) == "Model"
    assert replayed_store.type_name({"schemaTitle": "components.tuner.component.Trials"}) == "Trials"
    assert replayed_store.type_name({}) == "Artifact"


def test_run_and_step_are_in_the_place_of_an_artifact():
    assert step_records.producer("s3://b/root/houses/artifacts/houses/run-1/trainer/9f-2a/model") == (
        "run-1",
        "trainer",
    )
    assert step_records.producer("gs://b/houses/artifacts/1234/run-1/my_step_-77/model") == ("run-1", "my_step")
    assert step_records.producer("model") == ("", "")
