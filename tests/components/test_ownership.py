"""A push removes only what this pipeline pushed."""

import json
import os
import shutil
import types

import pytest

from serving import ownership, versions


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(versions, "time", types.SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def serving(tmp_path):
    folder = tmp_path / "houses" / "serving"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def place(tmp_path, serving, clock):
    model = tmp_path / "model"
    model.mkdir()
    (model / versions.MODEL).write_text("graph")

    def push(keep=1, to=serving):
        clock.now += 10
        return versions.place(str(model), str(to), check=lambda _: None, keep=keep)

    return push


def put(path, text="foreign"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folders_of_others_are_not_removed(serving, place, capsys):
    put(serving / "2019" / "sales.csv")
    put(serving / "20240101" / "model.tflite")
    put(serving / "007" / "saved_model.pb")
    put(serving / ".2019.partial" / "draft")
    put(serving / ".5.old" / "x")
    put(serving / "3", "a file")
    foreign_files = tree(serving)
    first_version, second_version = place(), place()

    assert (first_version, second_version) == (20240102, 20240103)
    files = tree(serving)
    assert {name: files[name] for name in foreign_files} == foreign_files
    assert versions.pushed(str(serving)) == [7, 2019, 20240101, second_version]
    log = [line for line in capsys.readouterr().out.splitlines() if "removed" in line]
    assert log == [f"removed {serving}/{first_version}: only the newest 1 pushed by this pipeline are kept"]


def test_a_link_is_not_removed_and_does_not_prevent_a_push(serving, place, tmp_path):
    elsewhere = tmp_path / "archive" / "1"
    put(elsewhere / "saved_model.pb", "precious")
    (serving / "1").symlink_to(elsewhere)
    (serving / "2").symlink_to(tmp_path / "nowhere")
    (serving / ".3.old").symlink_to(elsewhere)
    linked_version = place()
    # One of our versions was moved to another disk and replaced by a link.
    shutil.move(serving / str(linked_version), tmp_path / "archive" / str(linked_version))
    (serving / str(linked_version)).symlink_to(tmp_path / "archive" / str(linked_version))
    place()
    newest = place()

    assert versions.pushed(str(serving)) == [1, linked_version, newest]
    assert (elsewhere / "saved_model.pb").read_text() == "precious"
    assert (tmp_path / "archive" / str(linked_version) / "saved_model.pb").exists()
    assert sorted(name for name in os.listdir(serving) if name[0] != ".") == sorted(
        ["1", "2", str(linked_version), str(newest)]
    )


def test_copies_of_our_versions_are_not_removed(serving, place, tmp_path):
    first_version = place()
    renumbered, restored, backup = first_version - 100, first_version, tmp_path / "backup"
    shutil.copytree(serving / str(first_version), serving / str(renumbered))
    shutil.copytree(serving / str(first_version), backup)
    place()
    assert not (serving / str(first_version)).exists()
    shutil.copytree(backup, serving / str(restored))
    place()
    newest = place()

    assert versions.pushed(str(serving)) == [renumbered, restored, newest]


def test_a_version_that_replaced_ours_is_not_removed(serving, place):
    """For example a version of the same number and pipeline from another root."""
    replaced_version = place()
    path = serving / str(replaced_version) / versions.RECORD
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "0" * 32}))
    newest = place()

    assert versions.pushed(str(serving)) == [replaced_version, newest]


def test_versions_of_another_pipeline_are_not_removed_even_with_its_ledger(serving, place, tmp_path):
    cars = tmp_path / "cars" / "serving"
    foreign_versions = [place(to=cars, keep=5) for _ in range(3)]
    shutil.copytree(cars, serving, dirs_exist_ok=True)
    place()
    newest = place()

    assert versions.pushed(str(serving)) == [*foreign_versions, newest]


def test_keep_counts_only_our_versions(serving, place):
    for number in (*range(1, 9), 2_000_000):
        put(serving / str(number) / "saved_model.pb")
    own_versions = [place(keep=3) for _ in range(5)]

    assert versions.pushed(str(serving)) == [*range(1, 9), 2_000_000, *own_versions[-3:]]


def test_versions_pushed_by_an_older_revision_are_ours(serving, place, clock):
    """Their records have neither version nor pipeline; the ledger is created from them."""

    def old(number, pushed):
        put(serving / str(number) / "saved_model.pb")
        text = json.dumps({"pushed": pushed, "digest": "0" * 32, "copy_of": None})
        put(serving / str(number) / versions.RECORD, text)

    old(999_000, 999_000.5)
    old(999_500, 999_500.5)
    old(999_700, 999_700.5)  # pushed; and the next one is
    old(999_800, 999_700.5)  # a manual copy: either may be the original
    old(200, 999_900.5)  # copied under a number that no push created
    put(serving / ".999900.partial" / "x")
    newest = place(keep=2)
    assert versions.pushed(str(serving)) == [200, 999_500, 999_700, 999_800, newest]
    old(999_600, 999_600.5)  # restored later
    newest = place()

    assert versions.pushed(str(serving)) == [200, 999_600, 999_700, 999_800, newest]
    assert (serving / ".999900.partial" / "x").exists()


def test_a_failed_removal_is_logged_and_the_new_version_serves(serving, place, monkeypatch, capsys):
    first_version = place()
    rename = os.rename

    def refuse(source, target):
        if str(target).endswith(".old"):
            raise PermissionError(13, "Permission denied", source)
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    second_version = place()

    assert versions.pushed(str(serving)) == [first_version, second_version]
    assert f"{serving}/{first_version} could not be removed: Permission denied" in capsys.readouterr().out


def test_no_version_number_exceeds_the_limit_of_tf_serving(serving, place):
    put(serving / str(2**63) / "saved_model.pb")
    assert place() < 2_000_000
    put(serving / str(2**63 - 1) / "saved_model.pb")
    with pytest.raises(ValueError, match="has the highest number that TF Serving reads: rename or remove it"):
        place()


def test_the_record_names_the_model(serving, tmp_path):
    home = str(tmp_path / "houses")
    assert ownership.relative(f"{home}/artifacts/trainer/model/7", str(serving)) == "artifacts/trainer/model/7"
    assert ownership.relative("/elsewhere/model/7", str(serving)) == "/elsewhere/model/7"
    assert ownership.relative("gs://b/houses/artifacts/m/7", "gs://b/houses/serving") == "artifacts/m/7"
    model = tmp_path / "model"
    put(model / "saved_model.pb")
    number = versions.place(str(model), str(serving), check=lambda _: None, model="artifacts/trainer/model/7")
    versions.place(str(model), str(serving), check=lambda _: None)
    back = versions.restore(str(serving), number)

    assert versions.read(str(serving), back).model == "artifacts/trainer/model/7"
