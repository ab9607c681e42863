"""Versions of a serving folder in a bucket, on an S3 server and on a Google Cloud Storage that pages its lists."""

import itertools
import json
import shutil
import threading

import pytest

import buckets
from models.export import self_check
from serving import bucket_versions, ownership, versions

NUMBERS = itertools.count()
DAY = bucket_versions.LEFT_SECONDS


@pytest.fixture(params=["gs", "s3"])
def serving(request):
    request.getfixturevalue("gcs" if request.param == "gs" else "s3")
    return f"{request.param}://bucket/versions-{next(NUMBERS)}/houses/serving"


@pytest.fixture
def small(tmp_path):
    """A folder with the names of a SavedModel's files, where loading it is not the point."""
    folder = tmp_path / "small"
    for name in ("saved_model.pb", "variables/index", "variables/data", self_check.SAMPLE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    return folder


def place(model, serving, *, check=lambda _: None, **options):
    return versions.place(str(model), serving, check=check, **options)


def test_versions_in_a_bucket_rise_are_complete_and_only_the_newest_are_kept(saved, serving, clock, tmp_path):
    numbers = []
    for clock.now in (1000.0, 1000.0, 400.0):
        numbers.append(place(saved, serving, check=self_check.ask, keep=2))

    assert numbers == [1000, 1001, 1002]
    assert versions.pushed(serving) == [1001, 1002]
    assert buckets.names(serving) == [".pushed", "1001", "1002"]
    assert versions.read(serving, 1002).digest == versions.digest(f"{serving}/1002") == versions.digest(str(saved))
    buckets.copy_folder(f"{serving}/1002", str(tmp_path / "copy"))
    assert self_check.ask(str(tmp_path / "copy")) == 3


def test_a_model_in_a_bucket_with_markers_of_folders_is_pushed(saved, gcs, clock):
    """TensorFlow writes the markers; the sub-folder of the sample once broke every push."""
    buckets.copy_folder(str(saved), "gs://bucket/root/trainer/model/Format-Serving")
    for folder in ("", "assets/", "assets.extra/", "variables/"):
        gcs.put("bucket", f"root/trainer/model/Format-Serving/{folder}", b"")
    version = place("gs://bucket/root/trainer/model/Format-Serving", "gs://bucket/root/serving", check=self_check.ask)

    assert versions.digest(f"gs://bucket/root/serving/{version}") == versions.digest(str(saved))
    assert not [name for name in gcs.entries("bucket", "root/serving", "") if name.endswith("/")]


def test_a_model_with_other_predictions_is_not_pushed(saved, serving, tmp_path):
    version = place(saved, serving, check=self_check.ask)
    broken = shutil.copytree(saved, tmp_path / "broken")
    sample = broken / self_check.SAMPLE
    sample.write_text(sample.read_text().replace("4.0", "5.0"))
    with pytest.raises(ValueError, match="prediction"):
        place(broken, serving, check=self_check.ask)

    assert versions.pushed(serving) == ownership.ledger_versions(serving) == [version]


def test_an_incomplete_copy_and_a_changed_one_are_removed(small, serving, monkeypatch):
    copy = buckets.copy

    def full(source, target, **options):
        if target.endswith("variables/index"):
            raise buckets.BucketError("quota exceeded")
        copy(source, target, **options)

    monkeypatch.setattr(buckets, "copy", full)
    with pytest.raises(OSError, match="quota exceeded"):
        place(small, serving)
    assert buckets.files(serving) == []

    def changed(source, target, **options):
        copy(source, target, **options)
        if target.endswith("variables/index"):
            buckets.write(target, b"other")

    monkeypatch.setattr(buckets, "copy", changed)
    with pytest.raises(ValueError, match="its files differ from those of the model"):
        place(small, serving)
    assert buckets.files(serving) == []


def test_pushes_at_the_same_time_get_different_numbers_and_the_newest_stays(small, serving, clock):
    start, numbers = threading.Barrier(5), []

    def push():
        start.wait()
        numbers.append(place(small, serving, keep=2))

    threads = [threading.Thread(target=push) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == [1000, 1001, 1002, 1003, 1004]
    place(small, serving, keep=2)
    assert versions.pushed(serving) == [1004, 1005]
    for number in (1004, 1005):
        assert versions.digest(f"{serving}/{number}") == versions.digest(str(small))


def test_a_push_that_ends_after_a_newer_one_does_not_remove_it(small, serving, clock):
    numbers = iter((1500, 2000))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(versions, "next_number", lambda _: next(numbers))
        upload = bucket_versions._upload

        def late(local, version, record):
            if version.endswith("/1500"):
                place(small, serving, keep=1)
            upload(local, version, record)

        patched.setattr(bucket_versions, "_upload", late)
        place(small, serving, keep=1)

    assert versions.pushed(serving) == [2000]


def test_files_of_another_unfinished_push_stay_for_a_day(small, serving, clock):
    record = json.dumps(ownership.record(serving, 1000, pushed=clock.now, digest="0")).encode()
    buckets.write(ownership.entry(serving, 1000), record)
    buckets.write(f"{serving}/1000/{ownership.RECORD}", record)
    for seconds, exists in ((1, True), (DAY, True), (DAY + 1, False)):
        clock.now = 1000.0 + seconds
        place(small, serving)

        assert ("1000" in buckets.names(serving)) == (1000 in ownership.ledger_versions(serving)) == exists


class Stopped(BaseException):
    """Simulates a kill of the process."""


def test_after_a_kill_at_any_step_visible_versions_are_complete(small, serving, clock, monkeypatch):
    """The push is killed before each of its changes of the bucket in turn, and cannot remove anything any more."""
    place(small, serving)
    real = {name: getattr(buckets, name) for name in ("write", "remove")}
    kills = 0
    for steps in itertools.count():
        clock.now += 10
        remaining = steps

        def counted(name):
            def step(*arguments, **options):
                nonlocal remaining
                remaining -= 1
                if remaining < 0:
                    raise Stopped
                return real[name](*arguments, **options)

            return step

        with monkeypatch.context() as patched:
            for name in real:
                patched.setattr(buckets, name, counted(name))
            try:
                place(small, serving, keep=1)
                break
            except Stopped:
                kills += 1
        assert versions.pushed(serving)
        for version in versions.pushed(serving):
            assert versions.digest(f"{serving}/{version}") == versions.digest(str(small))

    assert kills > 10
    assert len(versions.pushed(serving)) == 1
    clock.now += 2 * DAY
    steps = place(small, serving, keep=1)
    assert buckets.names(serving) == [".pushed", str(steps)]
    assert ownership.ledger_versions(serving) == [steps]


def test_files_of_others_in_the_bucket_are_not_removed(small, serving, clock, capsys):
    """Folders that look like old versions, or like files of a killed push."""
    clock.now = 1_000_000.0
    foreign = (
        *("2019/sales.csv", "20240101/model.tflite", ".2019.partial/draft", ".7.old/x", "latest/saved_model.pb"),
        "900000/saved_model.pb",  # of another tool, or of a revision without records
    )
    for name in foreign:
        buckets.write(f"{serving}/{name}", name.encode())
    first_version = place(small, serving, keep=1)
    assert first_version == 20240102, "above the highest number, whose folder is not a version"
    for number in (str(first_version - 500), "123"):
        buckets.copy_folder(f"{serving}/{first_version}", f"{serving}/{number}")
    buckets.remove(f"{serving}/123/{versions.MODEL}")
    clock.now += 2 * DAY
    newest = place(small, serving, keep=1)

    assert [buckets.read(f"{serving}/{name}").decode() for name in foreign] == list(foreign)
    assert {"123", str(first_version - 500)} < set(buckets.names(serving))
    assert str(first_version) not in buckets.names(serving)
    assert ownership.ledger_versions(serving) == [newest]
    assert capsys.readouterr().out.splitlines() == [
        f"removed {serving}/{first_version}: only the newest 1 pushed by this pipeline are kept"
    ]


def test_a_version_of_another_pipeline_in_the_bucket_is_not_removed(small, serving, clock):
    other_serving = serving.replace("/houses/", "/cars/")
    other_version = place(small, other_serving)
    buckets.copy_folder(f"{other_serving}/{other_version}", f"{serving}/{other_version}")
    buckets.copy_folder(f"{other_serving}/.pushed", f"{serving}/.pushed")
    clock.now += 2 * DAY
    place(small, serving, keep=1)

    assert other_version in versions.pushed(serving)


def test_a_rollback_in_a_bucket_restores_the_previous_version(small, serving, clock):
    first = place(small, serving)
    (small / "saved_model.pb").write_text("second")
    second = place(small, serving)
    clock.now += 5
    restored = versions.restore(serving, versions.previous(serving))

    assert versions.pushed(serving) == [first, second, restored]
    assert versions.read(serving, restored).copy_of == first
    assert versions.digest(f"{serving}/{restored}") == versions.digest(f"{serving}/{first}")
    buckets.write(f"{serving}/{second}/variables/index", b"damaged")
    with pytest.raises(ValueError, match=f"version {second} is damaged"):
        versions.restore(serving, second)


def test_a_folder_that_may_not_be_read_is_not_taken_for_an_empty_one(small, gcs):
    gcs.denied = "bucket-of-others"
    with pytest.raises(buckets.BucketError, match="permission denied"):
        versions.pushed("gs://bucket-of-others/serving")
    with pytest.raises(buckets.BucketError, match="permission denied"):
        ownership.read("gs://bucket-of-others/serving/.pushed/1.json")
