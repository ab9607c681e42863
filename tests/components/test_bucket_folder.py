"""Pushes to a bucket, simulated by TensorFlow's in-memory file system, which cannot rename folders either."""

import itertools
import json
import shutil
import types

import pytest
import tensorflow as tf
from tfx.dsl.io import fileio

from components.pusher import bucket_folder
from models.export import self_check
from serving import ownership, versions

NUMBERS = itertools.count()


@pytest.fixture
def serving():
    return f"ram://bucket-{next(NUMBERS)}/serving"


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=1000.0)
    monkeypatch.setattr(versions, "time", types.SimpleNamespace(time=lambda: clock.now))
    return clock


def names(folder):
    return sorted(name.strip("/") for name in fileio.listdir(folder))


def copy(source, target):
    for inner, _, files in fileio.walk(source):
        for name in files:
            path = f"{inner}/{name}"
            fileio.makedirs(f"{target}{path[len(source) :]}".rpartition("/")[0])
            fileio.copy(path, f"{target}{path[len(source) :]}")


def put(path, text=""):
    fileio.makedirs(path.rpartition("/")[0])
    with fileio.open(path, "w") as file:
        file.write(text)


class Stopped(BaseException):
    """Simulates a kill of the process."""


def test_versions_in_a_bucket_rise_are_complete_and_only_the_newest_are_kept(saved, serving, clock):
    numbers = []
    for clock.now in (1000.0, 1000.0, 400.0):
        numbers.append(bucket_folder.place(str(saved), serving, keep=2))

    assert numbers == [1000, 1001, 1002]
    assert versions.pushed(serving) == [1001, 1002]
    assert names(serving) == [".pushed", "1001", "1002"]
    assert self_check.ask(f"{serving}/1002") == 3


def test_a_copy_with_other_predictions_is_removed(saved, serving, tmp_path):
    bucket_folder.place(str(saved), serving)
    before = versions.pushed(serving)
    broken = shutil.copytree(saved, tmp_path / "broken")
    sample = broken / self_check.SAMPLE
    sample.write_text(sample.read_text().replace("4.0", "5.0"))
    with pytest.raises(ValueError, match="prediction"):
        bucket_folder.place(str(broken), serving)

    assert versions.pushed(serving) == before
    assert names(serving) == [".pushed", str(before[0])]


def test_an_incomplete_copy_is_removed(saved, serving, clock, monkeypatch):
    whole = fileio.copy

    def full(source, target):
        if target == f"{serving}/1000/{versions.MODEL}":
            raise OSError("quota exceeded")
        whole(source, target)

    monkeypatch.setattr(bucket_folder.fileio, "copy", full)
    with pytest.raises(OSError, match="quota exceeded"):
        bucket_folder.place(str(saved), serving)

    assert [f"{inner}/{name}" for inner, _, files in fileio.walk(serving) for name in files] == []


def test_files_of_another_unfinished_push_stay_for_a_day(saved, serving, clock):
    record = json.dumps(ownership.record(serving, 1000, pushed=clock.now, digest="0"))
    put(ownership.entry(serving, 1000), record)
    put(f"{serving}/.1000.partial/{ownership.RECORD}", record)
    for seconds, there in ((1, True), (bucket_folder.LEFT_SECONDS, True), (bucket_folder.LEFT_SECONDS + 1, False)):
        clock.now = 1000.0 + seconds
        bucket_folder.place(str(saved), serving)

        assert (".1000.partial" in names(serving)) == there


def test_after_a_kill_at_any_step_visible_versions_are_complete(saved, serving, clock, monkeypatch):
    """The push is killed after each step of the bucket's client in turn."""
    bucket_folder.place(str(saved), serving)
    whole = {path.relative_to(saved) for path in saved.rglob("*") if path.is_file()}
    steps = ("copy", "remove", "makedirs")
    real = {name: getattr(fileio, name) for name in steps}

    def rmtree(folder):
        # A bucket removes all objects with a prefix, one at a time.
        for path in [f"{inner}/{name}" for inner, _, names in fileio.walk(folder) for name in names]:
            bucket_folder.fileio.remove(path)
        tf.io.gfile.rmtree(folder)

    monkeypatch.setattr(bucket_folder.fileio, "rmtree", rmtree)
    kills = 0
    for last in itertools.count():
        clock.now += 10
        left = last

        def counted(name):
            def step(*arguments, **named):
                nonlocal left
                left -= 1
                if left < 0:
                    raise Stopped
                return real[name](*arguments, **named)

            return step

        with monkeypatch.context() as patched:
            for name in steps:
                patched.setattr(bucket_folder.fileio, name, counted(name))
            try:
                bucket_folder.place(str(saved), serving, keep=1)
                break
            except Stopped:
                kills += 1
        there = versions.pushed(serving)
        assert there
        for version in there:
            assert {path for path in whole if not fileio.exists(f"{serving}/{version}/{path}")} == set()

    assert kills > 2 * len(whole)
    assert len(versions.pushed(serving)) == 1
    clock.now += 2 * bucket_folder.LEFT_SECONDS
    last = bucket_folder.place(str(saved), serving, keep=1)
    assert names(serving) == [".pushed", str(last)]
    assert ownership.listed(serving) == [last]


def test_files_of_others_in_the_bucket_are_not_removed(saved, serving, clock, capsys):
    """Folders that look like old versions, or like files of a killed push."""
    clock.now = 1_000_000.0
    foreign = (
        *("2019/sales.csv", "20240101/model.tflite", ".2019.partial/draft", ".7.old/x", "latest/saved_model.pb"),
        "900000/saved_model.pb",  # of another tool, or of a revision without records
    )
    for name in foreign:
        put(f"{serving}/{name}", name)
    ours = bucket_folder.place(str(saved), serving, keep=1)
    assert ours == 20240102, "above the highest number, whose folder is not a version"
    for number in (str(ours - 500), "123"):
        copy(f"{serving}/{ours}", f"{serving}/{number}")
    fileio.remove(f"{serving}/123/{versions.MODEL}")
    clock.now += 2 * bucket_folder.LEFT_SECONDS
    newest = bucket_folder.place(str(saved), serving, keep=1)

    for name in foreign:
        with fileio.open(f"{serving}/{name}") as file:
            assert file.read() == name
    assert {"123", str(ours - 500)} < set(names(serving))
    assert str(ours) not in names(serving)
    assert ownership.listed(serving) == [newest]
    assert capsys.readouterr().out.splitlines() == [
        f"removed {serving}/{ours}: only the newest 1 pushed by this pipeline are kept"
    ]


def test_a_version_of_another_pipeline_in_the_bucket_is_not_removed(saved, serving, clock):
    other = serving.replace("/serving", "/cars/serving")
    theirs = bucket_folder.place(str(saved), other)
    copy(f"{other}/{theirs}", f"{serving}/{theirs}")
    copy(f"{other}/.pushed", f"{serving}/.pushed")
    clock.now += 2 * bucket_folder.LEFT_SECONDS
    bucket_folder.place(str(saved), serving, keep=1)

    assert theirs in versions.pushed(serving)


def test_an_unreachable_bucket_raises_the_error_of_its_client(saved):
    with pytest.raises(tf.errors.OpError):
        bucket_folder.place(str(saved), "nosuch://bucket/serving")
