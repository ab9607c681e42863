"""The baseline of a cloud: the version that serves, copied from the serving folder, with the digests of its rows."""

import os

import numpy as np
import pytest
from tfx.types import standard_artifacts

import buckets
import manifest
from components import example_passes, summary
from components.baseline import component, decline
from components.evaluator import training_overlap
from components.ingestion.rows import row_profile
from components.validation import accepted
from errors import ResourceError
from serving import versions


@pytest.fixture
def serve(tmp_path):
    """A function that runs the executor on a serving folder with N versions and returns the artifact."""

    def run(count):
        (tmp_path / "model").mkdir()
        for number in range(count):
            (tmp_path / "model/saved_model.pb").write_text(f"{number}")
            versions.place(str(tmp_path / "model"), str(tmp_path / "serving"), check=lambda _: None)
        (tmp_path / "serving/9999999999").mkdir(parents=True)
        candidate = standard_artifacts.Model()
        artifact, rows = served_outputs(tmp_path / "artifact")
        properties = {"serving": str(tmp_path / "serving")}
        component.Executor().Do({"candidate": [candidate]}, {"model": [artifact], "examples": [rows]}, properties)
        return artifact

    return run


def test_without_a_serving_version_the_artifact_is_empty(serve):
    artifact = serve(0)

    assert os.listdir(artifact.uri) == []
    assert artifact.get_string_custom_property(summary.PROPERTY) == "none yet"


def test_the_newest_version_of_this_pipeline_is_copied_completely(serve):
    artifact = serve(3)

    folder = f"{artifact.uri}/Format-Serving"
    with open(f"{folder}/saved_model.pb") as file:
        assert file.read() == "2"
    assert os.path.isfile(f"{folder}/{versions.RECORD}")
    assert artifact.get_string_custom_property(summary.PROPERTY).startswith("version ")


@pytest.mark.parametrize("scheme", ["minio", "gs"])
def test_the_serving_version_of_a_bucket_is_copied_also_to_a_bucket(scheme, s3, gcs, tmp_path):
    home = f"{scheme}://bucket/baseline"
    (tmp_path / "model/assets.extra").mkdir(parents=True)
    for name in ("saved_model.pb", "assets.extra/sample.json"):
        (tmp_path / "model" / name).write_text(name)
    extra = {"declines": {"mae": 0.01}, "examples": "run-1/ingestion/examples"}
    accepted.keep_train_rows(f"{home}/accepted", "run-1/ingestion/examples", np.array([1, 2, 3, 9], np.uint64))
    accepted.keep_train_rows(f"{home}/accepted", "run-2/ingestion/examples", np.array([4], np.uint64))
    candidate = examples_with(tmp_path / "examples", train=[4, 5, 6], test=[1, 2, 3, 4])
    version = versions.place(str(tmp_path / "model"), f"{home}/serving", check=lambda _: None, extra=extra)
    for uri in (str(tmp_path / "artifact"), f"{home}/artifact"):
        artifact, rows = served_outputs(uri)
        parameters = {"serving": f"{home}/serving", "accepted": f"{home}/accepted"}
        component.Executor().Do({}, {"model": [artifact], "examples": [rows]}, parameters)

        assert versions.digest(f"{uri}/Format-Serving") == versions.digest(str(tmp_path / "model"))
        assert artifact.get_string_custom_property(summary.PROPERTY) == f"version {version}"
        assert decline.of(artifact) == {"mae": 0.01}
        if "://" in rows.uri:
            buckets.copy_folder(rows.uri, str(tmp_path / "downloaded"))
            rows.uri = str(tmp_path / "downloaded")
        assert training_overlap.training_shares(candidate, rows, "test") == (0.75, 0.25)


def test_a_serving_folder_that_may_not_be_read_stops_the_stage(gcs, tmp_path):
    gcs.denied = "bucket-of-others"
    model, rows = served_outputs(tmp_path / "artifact")
    with pytest.raises(ResourceError, match=r"^the serving folder cannot be read: .*: permission den"):
        component.Executor().Do(
            {}, {"model": [model], "examples": [rows]}, {"serving": "gs://bucket-of-others/serving"}
        )


@pytest.mark.parametrize(("candidate", "baseline"), [("new", "second"), ("second", "first"), ("first", "second")])
def test_on_a_cloud_the_candidate_is_never_its_own_baseline(tmp_path, candidate, baseline):
    folder, serving, compared = tmp_path / "trained/Format-Serving", str(tmp_path / "serving"), ""
    folder.mkdir(parents=True)
    for text in ("first", "second"):
        (folder / "saved_model.pb").write_text(text)
        versions.place(str(folder), serving, check=lambda _: None, extra={"compared_with": compared})
        compared = versions.digest(str(folder))
    (folder / "saved_model.pb").write_text(candidate)
    assert copied(tmp_path).read_text() == baseline


def test_on_a_cloud_the_only_version_has_no_baseline(tmp_path):
    folder = tmp_path / "trained/Format-Serving"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_text("first")
    versions.place(str(folder), str(tmp_path / "serving"), check=lambda _: None)
    assert not copied(tmp_path).exists()


def copied(folder):
    """Run the executor with the candidate `trained` and return the path of the copied model."""
    candidate = standard_artifacts.Model()
    candidate.uri = str(folder / "trained")
    model, rows = served_outputs(folder / "artifact")
    parameters = {"serving": str(folder / "serving"), "accepted": str(folder / "accepted")}
    component.Executor().Do({"candidate": [candidate]}, {"model": [model], "examples": [rows]}, parameters)
    unknown = examples_with(folder / "examples", train=[1], test=[1])
    assert training_overlap.training_shares(unknown, rows, "test") is None, "the rows of these versions are unknown"
    return folder / "artifact/Format-Serving/saved_model.pb"


def served_outputs(uri):
    """Return the output artifacts of the executor."""
    model, rows = standard_artifacts.Model(), standard_artifacts.Examples()
    model.uri, rows.uri, rows.id = str(uri), f"{uri}-rows", 7
    return model, rows


def examples_with(folder, **digests):
    """Return an Examples artifact whose rows have these digests, by split."""
    (folder / manifest.COUNTS).mkdir(parents=True, exist_ok=True)
    arrays = {split: np.array(values, np.uint64) for split, values in digests.items()}
    path = f"{manifest.COUNTS}/0{manifest.MARKS}"
    (folder / path).write_bytes(row_profile.content(row_profile.Marked({}, arrays, {}, {}, {})))
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    example_passes.declare(artifact, {}, [path])
    return artifact
