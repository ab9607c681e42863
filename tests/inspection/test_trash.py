"""The trash: a clean-up can be undone until the trash is emptied."""

import errno
import fcntl
import json
import os
import shutil

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError, UserError

from .cleaned import Runs, tree


@pytest.fixture
def runs(writer, tmp_path):
    runs_of_root = Runs(writer, tmp_path)
    for blessed in (False, False, True, True):
        runs_of_root(blessed=blessed)
    return runs_of_root


def states(runs):
    return {int(row.id): row.state for row in runs.store().newest_artifacts(None)}


def test_an_undo_restores_files_and_states(runs, ask):
    before, rows = tree(runs.home), states(runs)
    ask("clean", "--keep", "1", "--yes")
    assert pb.Artifact.DELETED in states(runs).values()
    assert runs.left("trainer") == [3, 4]
    answer = ask("clean", "--undo")

    assert f"houses    artifact  1.0 kB  {runs.place('trainer', 1)}\n" in answer
    assert answer.endswith("6.0 kB put back\n")
    assert {name: text for name, text in tree(runs.home).items() if name != ".lock"} == before
    assert states(runs) == rows
    assert os.listdir(runs.root / ".trash") == [".lock"]
    with pytest.raises(UserError, match=r"\.trash contains nothing that can be put back"):
        ask("clean", "--undo")


def test_empty_folders_are_put_back_too(runs, ask):
    """As the output of a refused push, and `assets` of a SavedModel."""
    shutil.rmtree(runs.place("evaluator", 1))
    runs.place("evaluator", 1).mkdir()
    (runs.place("trainer", 1) / "Format-Serving/assets").mkdir()
    before, rows = sorted(runs.home.rglob("*")), states(runs)
    ask("clean", "--keep", "1", "--yes")
    assert not runs.place("evaluator", 1).exists()
    ask("clean", "--undo")

    assert [path for path in sorted(runs.home.rglob("*")) if path.name != ".lock"] == before
    assert states(runs) == rows
    assert os.listdir(runs.root / ".trash") == [".lock"]


def test_each_clean_up_is_put_back_by_its_time(runs, ask, capsys):
    ask("clean", "--keep", "1", "--yes")
    runs(blessed=False)
    runs(blessed=False)
    runs()
    ask("clean", "--keep", "1", "--yes")
    first_batch, second_batch = sorted(name for name in os.listdir(runs.root / ".trash") if name != ".lock")
    with pytest.raises(UserError, match=f"has no clean-up '7'. Clean-ups: {first_batch}, {second_batch}"):
        ask("clean", "--undo", "7")
    ask("clean", "--undo", first_batch)
    assert runs.left("trainer") == [1, 2, 4, 7]
    ask("clean", "--undo")
    assert runs.left("trainer") == [1, 2, 3, 4, 5, 6, 7]


def test_nothing_is_put_back_over_what_is_there_or_through_a_link(runs, ask, capsys):
    ask("clean", "--keep", "1", "--yes")
    place, run = runs.place("trainer", 1), runs.home / "runs" / "run-1"
    place.mkdir()
    (place / "mine").write_text("mine")
    shutil.move(runs.home / "runs", runs.root / "away")
    (runs.home / "runs").symlink_to(runs.root / "away")
    with pytest.raises(ResourceError, match="3 paths kept"):
        ask("clean", "--undo")
    output = capsys.readouterr().out

    assert f"{place} exists already\n" in output
    assert f"{run} is behind a link\n" in output
    assert os.listdir(place) == ["mine"]
    assert sorted(os.listdir(runs.root / "away")) == ["run-3", "run-4"]
    assert runs.left("ingestion") == [1, 2, 3, 4]


def test_rows_that_changed_since_then_stay_as_they_are(runs, ask):
    ask("clean", "--keep", "1", "--yes")
    store = runs.store()
    [marked] = [artifact for artifact in store.newest_artifacts(None) if artifact.uri == str(runs.place("trainer", 1))]
    marked.state = pb.Artifact.MARKED_FOR_DELETION
    [moved_elsewhere] = [
        artifact for artifact in store.newest_artifacts(None) if artifact.uri == str(runs.place("trainer", 2))
    ]
    moved_elsewhere.uri = "/elsewhere"
    store.mlmd.put_artifacts([marked, moved_elsewhere])
    ask("clean", "--undo")

    assert states(runs)[int(marked.id)] == pb.Artifact.MARKED_FOR_DELETION
    assert states(runs)[int(moved_elsewhere.id)] == pb.Artifact.DELETED


def test_emptying_names_every_path_and_frees_the_disk(runs, ask):
    outside = runs.root / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    (runs.place("trainer", 1) / "link").symlink_to(outside)
    ask("clean", "--keep", "1", "--yes")
    moved = [path for path in sorted(tree(runs.root / ".trash")) if path.endswith("content")]
    answer = ask("clean", "--empty-trash")

    for path in moved:
        assert f"{runs.root}/.trash/{os.path.dirname(path)}\n" in answer
    assert answer.endswith("6.0 kB deleted\n")
    assert os.listdir(runs.root / ".trash") == [".lock"]
    assert (outside / "precious").read_text() == "precious"
    assert ask("clean", "--empty-trash") == "the trash is empty\n"


def test_what_cannot_be_deleted_stays_and_is_named_with_its_pipeline(runs, ask, monkeypatch, capsys):
    ask("clean", "--keep", "1", "--yes")

    def refuse(path, *_):
        raise OSError(errno.EBUSY, "Device or resource busy", path)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        with pytest.raises(ResourceError, match="paths kept"):
            ask("clean", "--empty-trash")
        kept = [line.split() for line in capsys.readouterr().out.splitlines() if "cannot be removed" in line]
    assert kept
    assert {words[0] for words in kept} == {"houses"}
    assert all(" ".join(words[2:]).endswith("it cannot be removed: Device or resource busy") for words in kept)
    assert all(os.path.isdir(words[1]) for words in kept)
    ask("clean", "--empty-trash")
    assert os.listdir(runs.root / ".trash") == [".lock"]


def test_what_no_clean_up_moved_there_stays(runs, ask, capsys):
    ask("clean", "--keep", "1", "--yes")
    trash = runs.root / ".trash"
    [time] = [name for name in os.listdir(trash) if name != ".lock"]
    for name in ("mine/notes", f"{time}/houses/mine"):
        (trash / name).parent.mkdir(exist_ok=True)
        (trash / name).write_text("mine")
    (trash / "link").symlink_to(runs.home)
    outside = runs.root / "outside"
    outside.write_text("outside")
    with open(trash / time / "moved.jsonl", "a") as file:
        for path in ("../../outside", "../../link/runs", "/etc/hostname", "houses/../houses/mine"):
            file.write(json.dumps({"path": path, "pipeline": "houses", "kind": "run", "states": {}}) + "\n")
        file.write('{"path": "houses/mi')
    before = tree(runs.home)
    with pytest.raises(ResourceError, match="3 paths kept"):
        ask("clean", "--empty-trash")
    output = capsys.readouterr().out

    assert [line.split()[1] for line in output.splitlines() if line.endswith("no clean-up moved this here")] == [
        str(trash / name) for name in (time, "link", "mine")
    ]
    assert outside.exists()
    assert tree(runs.home) == before
    assert (trash / time / "houses" / "mine").exists()


def test_a_trash_that_is_a_link_is_refused(runs, ask):
    away = runs.root / "away"
    away.mkdir()
    (runs.root / ".trash").symlink_to(away)
    for arguments in (["--yes"], ["--undo"], ["--empty-trash"]):
        with pytest.raises(ResourceError, match=r"\.trash is a link to .*/away: the trash must be in the root"):
            ask("clean", "--keep", "1", *arguments)
    assert os.listdir(away) == []
    assert runs.left("trainer") == [1, 2, 3, 4]


def test_what_cannot_be_moved_stays_with_its_row(runs, ask, monkeypatch, capsys):
    """As on another filesystem, which is mounted at a node's folder."""
    rename = os.rename

    def refuse(source, target):
        if "/trainer/" in source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(ResourceError, match="2 paths kept"):
        ask("clean", "--keep", "1", "--yes")

    assert capsys.readouterr().out.count(": it is on another filesystem\n") == 2
    assert runs.left("trainer") == [1, 2, 3, 4]
    assert runs.left("ingestion") == [3, 4]
    live = {row.uri for row in runs.store().newest_artifacts(None) if row.state == pb.Artifact.LIVE}
    assert {str(runs.place("trainer", 1)), str(runs.place("trainer", 2))} < live


def test_one_clean_up_at_a_time(runs, ask):
    (runs.root / ".trash").mkdir()
    with open(runs.root / ".trash" / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ResourceError, match=r"another clean-up of .* is in progress: wait until it ends"):
            ask("clean", "--keep", "1", "--yes")


def test_nothing_is_put_back_into_a_pipeline_that_runs(runs, ask):
    ask("clean", "--keep", "1", "--yes")
    with open(runs.home / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "houses: a run is in progress, so nothing is put back" in ask("clean", "--undo")
    assert runs.left("trainer") == [3, 4]
