"""The record of the files that a run read."""

import hashlib

import project
from components.ingestion import matched_files
from components.ingestion.discovery.data_files import DataFile
from components.ingestion.discovery.spans import Span


def test_files_have_the_digest_of_sha256sum_their_size_span_and_rows(tmp_path, monkeypatch):
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    path = tmp_path / "data" / "week-2.csv"
    path.parent.mkdir()
    path.write_text("a\n1\n")
    empty = tmp_path / "data" / "week-1.csv"
    empty.write_text("a\n")
    files = [DataFile(str(empty), span=Span(1, "1")), DataFile(str(path), span=Span(2, "2"), version=3)]
    described = matched_files.describe(files, {str(path): {"train": 1, "eval": 0, "test": 0}})
    assert described[1] == {
        "path": "data/week-2.csv",
        "digest": hashlib.sha256(b"a\n1\n").hexdigest()[:16],
        "bytes": 4,
        "span": "2",
        "version": 3,
        "rows": {"train": 1, "eval": 0, "test": 0},
    }
    assert (described[0]["path"], described[0]["rows"]) == ("data/week-1.csv", {})


def test_a_folder_of_images_is_one_entry_and_an_address_has_no_digest(tmp_path):
    folder = tmp_path / "cats"
    folder.mkdir()
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(b"12345")
    [images, remote] = matched_files.describe([DataFile(str(folder)), DataFile("gs://bucket/a.csv")], {})
    assert images["bytes"] == 10
    before = images["digest"]
    (folder / "2.png").write_bytes(b"54321")
    assert matched_files.describe([DataFile(str(folder))], {})[0]["digest"] != before
    assert (remote["path"], remote["digest"], remote["bytes"]) == ("gs://bucket/a.csv", None, None)
