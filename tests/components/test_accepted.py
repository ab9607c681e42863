"""Accepted data of earlier runs, in a folder of this machine and in buckets."""

import io
import itertools
import os

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.types import standard_artifacts

import buckets
from components import lineage
from components.ingestion.rows import row_profile
from components.validation import accepted
from errors import ResourceError
from serving import versions

NUMBERS = itertools.count()


def data(rows, *, span=0, examples="", unit=""):
    figures = {}
    for split, count in (("train", rows), ("eval", 2)):
        figures[split] = statistics_pb2.DatasetFeatureStatisticsList()
        figures[split].datasets.add(num_examples=count)
    return accepted.Data(figures, span, examples, unit)


@pytest.fixture(params=["disk", "gs", "s3"])
def folders(request, tmp_path):
    home = str(tmp_path / "houses")
    if request.param != "disk":
        request.getfixturevalue("gcs" if request.param == "gs" else "s3")
        home = f"{request.param}://bucket/accepted-{next(NUMBERS)}/houses"
    return accepted.Folders(f"{home}/accepted", f"{home}/serving")


def accepted_rows(folders, current, runs=5):
    previous = accepted.previous_runs(folders, current, runs)
    assert all(run.rows == run.train.datasets[0].num_examples + 2 for run in previous)
    return [(run.rows, run.name) for run in previous]


def test_other_data_is_found_newest_first_and_equal_data_once(folders):
    assert accepted_rows(folders, data(10)) == []
    for rows in (10, 20, 10, 30):
        accepted.accept(folders, data(rows))
    name = "the last run with other data"
    assert accepted_rows(folders, data(40)) == [(32, name), (22, name), (12, name)]
    assert accepted_rows(folders, data(30)) == [(22, name), (12, name)]
    assert accepted_rows(folders, data(40), runs=1) == [(32, name)]


def test_the_span_before_this_one_is_first(folders):
    for span in (5, 8, 7):
        accepted.accept(folders, data(span, span=span))
    assert accepted_rows(folders, data(1, span=8)) == [
        (9, "span 7"),
        (7, "span 5"),
        (10, "the last run with other data"),
    ]
    assert [rows for rows, _ in accepted_rows(folders, data(1, span=9))] == [10, 9, 7]
    assert accepted_rows(folders, data(1, span=8, unit="month"))[0] == (9, "span 1970-08")


def test_data_whose_model_was_rolled_back_is_left_out(folders, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for number in (1, 2):
        (model / "saved_model.pb").write_text(str(number))
        versions.place(str(model), folders.serving, check=lambda _: None, extra={"examples": f"run/{number}"})
        accepted.accept(folders, data(number, examples=f"run/{number}"))
    assert [rows for rows, _ in accepted_rows(folders, data(9))] == [4, 3]
    versions.restore(folders.serving, versions.pushed(folders.serving)[0])
    assert [rows for rows, _ in accepted_rows(folders, data(9))] == [3]


def test_a_damaged_file_is_skipped(folders):
    accepted.accept(folders, data(1))
    accepted.accept(folders, data(2))
    path = f"{folders.accepted}/{sorted(accepted.version_files.names(folders.accepted))[-1]}"
    if "://" in path:
        buckets.write(path, b'{"rows": 4, "train": "AAA')
        buckets.write(f"{folders.accepted}/notes.txt", b"not ours")
    else:
        with open(path, "w") as file:
            file.write('{"rows": 4, "examples": "", "train": "/////w=="}')
    assert [rows for rows, _ in accepted_rows(folders, data(9))] == [3]


def test_the_train_rows_of_an_artifact_are_stored_once(folders):
    assert accepted.train_rows(folders.accepted, "run/1") is None
    for first_digest, examples in ((1, "run/1"), (5, "run/1"), (8, "run/2")):
        accepted.accept(folders, data(3, examples=examples))
        accepted.keep_train_rows(folders.accepted, examples, np.array([first_digest, 2], np.uint64))
    profiles = {
        examples: row_profile.read(io.BytesIO(accepted.train_rows(folders.accepted, examples)))
        for examples in ("run/1", "run/2")
    }
    assert {examples: profile.digests["train"].tolist() for examples, profile in profiles.items()} == {
        "run/1": [1, 2],
        "run/2": [8, 2],
    }
    assert accepted_rows(folders, data(4)) == [(5, "the last run with other data")], "they are no data of a run"


def test_a_bucket_that_may_not_be_used_stops_the_stage(gcs):
    gcs.denied = "bucket-of-others"
    folders = accepted.Folders("gs://bucket-of-others/accepted", "gs://bucket-of-others/serving")
    with pytest.raises(ResourceError, match=r"^the data that earlier runs accepted cannot be read: .*permission den"):
        accepted.previous_runs(folders, data(1), 5)
    with pytest.raises(ResourceError, match=r"^the accepted data cannot be recorded for later runs: .*permission den"):
        accepted.accept(folders, data(1))
    with pytest.raises(ResourceError, match=r"^the accepted rows cannot be recorded for later runs: .*permission den"):
        accepted.keep_train_rows(folders.accepted, "run/1", np.array([1], np.uint64))


def test_the_place_of_an_artifact_is_equal_in_a_bucket_and_in_the_launcher_s_folder():
    artifact, places = standard_artifacts.Examples(), set()
    for home in ("minio://mlpipeline/v2", "/minio/mlpipeline/v2", os.path.join("/tmp", "pod", "minio")):
        artifact.uri = f"{home}/houses/run-1/ingestion/9f/examples/"
        places.add(lineage.place(artifact))
    assert places == {"run-1/ingestion/9f/examples"}
