"""Files that a restored backup replaces; tests/faults covers damaged stores and backups."""

import os
import re
import runpy
import shutil
import urllib.request
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError
from inspection.store import missing_artifacts, store_backup
from inspection.store.metadata_store import open_store

from .cleaned import Runs

MADE = runpy.run_path(str(Path(__file__).with_name("made.py")))


def test_what_the_old_store_s_writer_left_half_written_goes_aside_with_it(writer, tmp_path):
    writer.run("before")
    copy = tmp_path / "copy"
    store_backup.backup(str(tmp_path), None, str(copy))
    writer.run("after")
    content_by_suffix = {}
    for suffix in ("-journal", "-wal", "-shm"):
        content_by_suffix[suffix] = f"left by a killed writer: {suffix}"
        (tmp_path / f"metadata.sqlite{suffix}").write_text(content_by_suffix[suffix])
    aside = store_backup.restore(str(tmp_path), None, str(copy)).previous

    assert [context.name for context in open_store(str(tmp_path), None).contexts("pipeline_run")] == ["before"]
    for suffix, text in content_by_suffix.items():
        assert not (tmp_path / f"metadata.sqlite{suffix}").exists()
        assert (tmp_path / f"{aside}{suffix}").read_text() == text


def test_a_backup_replaces_nothing_but_a_backup(writer, tmp_path):
    writer.run("one")
    store, notes, earlier = tmp_path / "metadata.sqlite", tmp_path / "notes", tmp_path / "earlier"
    notes.write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(store)
    store_content = store.read_bytes()
    for name, match in (
        ("notes", "notes exists and is not a backup of a store: choose another file, or remove it"),
        ("folder", "folder is a folder: choose a file in it"),
        ("metadata.sqlite", "metadata.sqlite is the store itself: choose another file for the backup"),
        ("link", "link is the store itself"),
    ):
        with pytest.raises(UserError, match=match):
            store_backup.backup(str(tmp_path), None, str(tmp_path / name))
    assert (notes.read_text(), store.read_bytes()) == ("mine", store_content)
    (tmp_path / "earlier.partial").write_text("mine too")
    earlier.touch()
    for run in ("two", "three"):
        writer.run(run)
        store_backup.backup(str(tmp_path), None, str(earlier))
    assert len(open_store("", f"sqlite:///{earlier}").contexts("pipeline_run")) == 3
    store_backup.restore(str(tmp_path), None, str(earlier))
    assert (tmp_path / "earlier.partial").read_text() == "mine too"


def test_a_restore_marks_what_a_later_clean_up_removed(writer, tmp_path, ask):
    """A backup from before a clean-up has artifacts as live whose files are gone."""
    runs, copy = Runs(writer, tmp_path), tmp_path / "copy"
    for _ in range(3):
        runs(blessed=False)
    store_backup.backup(str(tmp_path), None, str(copy))
    runs.clean(keep=1)
    writer.run("elsewhere").node(
        "trainer", outputs=[("model", "Model")], uri="/nowhere/houses/artifacts/trainer/model/9"
    )

    def live():
        return sorted(
            artifact.uri for artifact in runs.store().newest_artifacts(None) if artifact.state == pb.Artifact.LIVE
        )

    remaining = [str(runs.place(node, 3)) for node in ("evaluator", "ingestion", "trainer")]
    restored = ask("restore", str(copy))
    assert live() == remaining
    assert (
        "\n6 artifacts of the backup are no longer on disk, and marked as deleted: stages that need them run again"
        in restored
    )
    assert f"\n  ModelBlessing 6: {runs.place('evaluator', 2)}\n" in restored
    answer = ask("restore", str(copy), "--json")
    assert sorted(artifact["artifact"] for artifact in answer["gone"]) == [1, 2, 3, 4, 5, 6]
    assert restored.startswith(f"restored {copy}; the previous store is {tmp_path}/")
    (tmp_path / "metadata.sqlite").unlink()
    assert ask("restore", str(copy)).startswith(f"restored {copy}\n")
    (tmp_path / "houses/artifacts").rename(tmp_path / "houses/elsewhere")
    assert ask("restore", str(copy), "--json")["gone"] == [], "nothing is known of files that are elsewhere"
    assert len(live()) == 9


@pytest.mark.parametrize("put", [Path.rename, shutil.copytree], ids=["moved", "copied"])
def test_a_restore_marks_what_a_clean_up_removed_after_the_root_was_moved_or_copied(make_writer, tmp_path, put):
    """If the folders of the runs are gone too, the artifacts of what serves show that the old root is a former one."""
    old_root, root, copy = tmp_path / "old", tmp_path / "new", tmp_path / "copy"
    old_root.mkdir()
    writer = make_writer(old_root / "metadata.sqlite")
    runs = Runs(writer, old_root)
    runs(served=True)
    runs(blessed=False)
    store_backup.backup(str(old_root), None, str(copy))
    put(old_root, root)
    later_writer = make_writer(root / "metadata.sqlite")
    later_writer._known = writer._known
    runs = Runs(later_writer, root)
    runs.count = 2
    runs(blessed=False)
    runs.clean(keep=1)
    shutil.rmtree(root / "houses/runs")

    gone = store_backup.restore(str(root), None, str(copy)).missing
    assert sorted(artifact.uri for artifact in gone) == sorted(
        str(runs.place(node, 2)) for node in ("evaluator", "ingestion", "trainer")
    )
    store = open_store(str(root), None)
    assert {
        artifact.uri for artifact in store.newest_artifacts(None) if missing_artifacts.is_missing(artifact)
    } == set()
    assert all(artifact.uri.startswith(f"{root}/") for artifact in store.newest_artifacts(None))


def test_artifacts_without_files_are_shown_as_missing_after_a_plain_copy_back(writer, tmp_path, ask):
    """A plain copy marks nothing in the store, in contrast to `inspect restore`."""
    runs, store, copy = Runs(writer, tmp_path), tmp_path / "metadata.sqlite", tmp_path / "copy"
    for _ in range(3):
        runs(blessed=False)
    writer.run("bucket").node("trainer", outputs=[("model", "Model")], uri="gs://bucket/model")
    shutil.copy(store, copy)
    runs.clean(keep=2)
    deleted = {row["id"] for row in ask("artifacts", "--json") if row["state"] == "DELETED"}
    shutil.copy(copy, store)

    states = {row["id"]: row["state"] for row in ask("artifacts", "--json")}
    assert {id_ for id_, state in states.items() if state == "MISSING"} == deleted == {1, 2, 3, 4, 5, 6}
    assert {states[id_] for id_ in (7, 8, 9, 10)} == {"LIVE"}, "files exist, or are in a bucket"
    assert "6   ModelBlessing  MISSING" in ask("artifacts")
    assert "MISSING" in ask("lineage", "6")
    with MADE["served"](tmp_path) as address, urllib.request.urlopen(f"{address}/artifacts") as page:
        rows = re.findall(r"<tr>.*?</tr>", page.read().decode(), flags=re.DOTALL)
    assert sum("<td>MISSING</td>" in row for row in rows) == 6
    assert {artifact.state for artifact in runs.store().newest_artifacts(None)} == {pb.Artifact.LIVE}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder to another user")
def test_an_artifact_in_a_folder_that_the_user_may_not_enter_is_not_missing(tmp_path):
    """Of a folder that cannot be entered, nothing is known, so that nothing in it is marked as deleted either."""
    folder = tmp_path / "houses/artifacts"
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    artifact = pb.Artifact(uri=str(folder / "trainer/model/1"), state=pb.Artifact.LIVE)
    assert missing_artifacts.is_missing(artifact)
    os.seteuid(65534)
    try:
        assert not missing_artifacts.is_missing(artifact)
    finally:
        os.seteuid(0)
