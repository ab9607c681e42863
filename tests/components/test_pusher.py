import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tfx.types import standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import path_utils

from components import summary
from components.fingerprints import code_digest
from components.pusher import component
from errors import ResourceError, RunError
from models.export import self_check
from serving import version_files, versions
from spec.artifacts import atomic_files

from ..attributes import with_attributes


@pytest.fixture
def serving(tmp_path):
    return tmp_path / "serving"


@pytest.fixture
def push(tmp_path, serving, saved):
    """A function that runs the executor and returns the PushedModel artifact."""
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    shutil.copytree(saved, path_utils.serving_model_dir(model.uri))

    @with_attributes
    def run(blessed=True, keep=10, to=serving, compared="", not_compared="", span=0, salt=None, declines="", **allowed):
        if salt is not None:
            Path(run.model, "assets.extra/salt").write_text(salt)
        pushed, blessing = standard_artifacts.PushedModel(), standard_artifacts.ModelBlessing()
        facts = {"compared_with": compared, "not_compared": not_compared, "declines": declines}
        for key, value in facts.items():
            blessing.set_string_custom_property(key, value)
        blessing.set_int_custom_property("span", span)
        pushed.uri = str(tmp_path / "pushed")
        blessing.set_int_custom_property("blessed", int(blessed))
        inputs = {"model": [model], "blessing": [blessing]}
        parameters = {"serving": str(to), "keep": keep, "code": "", "allowed": json.dumps(allowed)}
        component.Executor().Do(inputs, {"pushed_model": [pushed]}, parameters)
        return pushed

    run.model = Path(path_utils.serving_model_dir(model.uri))
    return run


def files(folder):
    """Return the content of each file, except the record of the push."""
    contents = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in contents.items() if name != versions.RECORD}


def test_a_model_that_is_not_blessed_is_not_pushed(push, serving):
    pushed = push(blessed=False)

    assert not serving.exists()
    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.has_custom_property("pushed_destination")
    assert pushed.get_string_custom_property(summary.PROPERTY) == "nothing pushed: the model is not blessed"


def test_a_blessed_model_becomes_a_complete_version(push, serving, clock):
    pushed = push()

    assert sorted(os.listdir(serving)) == [".lock", ".pushed", "1000"]
    assert files(serving / "1000") == files(push.model)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == "1000"
    assert pushed.get_string_custom_property("pushed_destination") == str(serving / "1000")
    assert pushed.get_string_custom_property(summary.PROPERTY) == "version 1000"


def test_on_a_cloud_the_serving_model_is_not_pushed_again(push, serving, clock):
    push(repeat=False)
    clock.now += 60
    second_push = push(repeat=False)

    assert versions.pushed(str(serving)) == [1000]
    assert second_push.get_int_custom_property("pushed") == 0
    assert second_push.get_string_custom_property(summary.PROPERTY) == "nothing pushed: version 1000 is this model"
    push(salt="another model", repeat=False, uncompared=True)
    assert versions.pushed(str(serving)) == [1000, 1060]


@pytest.mark.parametrize(
    ("step", "expected"),
    [(5.0, ["1000", "1005", "1010"]), (0.0, ["1000", "1001", "1002"]), (-3600.0, ["1000", "1001", "1002"])],
    ids=["later", "in the same second", "after the clock went back"],
)
def test_version_numbers_rise_even_if_the_clock_does_not(push, clock, serving, step, expected):
    numbers = []
    for _ in range(3):
        numbers.append(push().get_string_custom_property("pushed_version"))
        clock.now += step

    assert numbers == expected
    assert sorted(os.listdir(serving)) == [".lock", ".pushed", *expected]
    assert all(files(serving / version) == files(push.model) for version in numbers)


def test_a_failed_copy_is_removed_and_the_error_names_the_serving_version(push, serving, clock, monkeypatch):
    push()
    clock.now += 60

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic_files, "fsync", full)
    with pytest.raises(
        ResourceError, match=r"No space left on device. Version 1000 still serves; .* free some space, and run"
    ):
        push()

    assert sorted(os.listdir(serving)) == [".lock", ".pushed", "1000"]
    assert files(serving / "1000") == files(push.model)


def test_a_damaged_copy_is_not_pushed(push, serving, monkeypatch):
    copy = version_files.copy

    def damaged(source, target):
        copy(source, target)
        path = os.path.join(target, "variables", "variables.data-00000-of-00001")
        with open(path, "r+b") as file:
            file.write(np.float32(3).tobytes())

    monkeypatch.setattr(version_files, "copy", damaged)
    with pytest.raises(
        RunError, match=r"is not pushed: .*(Checksum|prediction of sample row 1 is).* No version serves yet"
    ):
        push()

    assert versions.pushed(str(serving)) == []


def test_a_model_whose_predictions_differ_from_its_export_is_not_pushed(push, serving):
    sample = json.loads((push.model / self_check.SAMPLE).read_text())
    sample["answers"]["prediction"][2] += 0.1
    (push.model / self_check.SAMPLE).write_text(json.dumps(sample))
    with pytest.raises(RunError, match=r"its prediction of sample row 3 is 4\.0, and was 4\.1 when it was exported"):
        push()

    assert versions.pushed(str(serving)) == []


def test_only_the_newest_versions_are_kept(push, serving, clock):
    for _ in range(5):
        push(keep=3)
        clock.now += 1

    assert versions.pushed(str(serving)) == [1002, 1003, 1004]


def test_only_folders_with_numeric_names_are_versions(serving, tmp_path):
    assert versions.pushed(str(tmp_path / "missing")) == []
    for name in ("12", "7", "100", ".200.partial", "latest", "v3", "1.5"):
        (serving / name).mkdir(parents=True)

    assert versions.pushed(str(serving)) == [7, 12, 100]


def test_the_pusher_node_has_the_public_id_and_a_digest_of_its_code():
    node = component.pusher(
        model=Channel(type=standard_artifacts.Model),
        blessing=Channel(type=standard_artifacts.ModelBlessing),
        serving="serving",
        keep=5,
    )

    assert node.id == "pusher"
    assert code_digest.of_parameters(node.exec_properties)["modules"] == ["components.pusher.component"]


def test_only_the_newest_versions_are_kept_in_a_bucket(push, clock, gcs):
    for _ in range(3):
        pushed = push(to="gs://bucket/pusher/serving", keep=2)

    assert versions.pushed("gs://bucket/pusher/serving") == [1001, 1002]
    assert pushed.get_string_custom_property("pushed_destination") == "gs://bucket/pusher/serving/1002"


def test_the_error_of_a_bucket_without_permission_names_the_fix(push, gcs):
    gcs.denied = "bucket-of-others"
    with pytest.raises(
        ResourceError,
        match=r"^gs://bucket-of-others/x: the model could not be copied: gs://bucket-of-others/x: permission denied: "
        r"let this account list, .* The serving version is unchanged; then run again$",
    ):
        push(to="gs://bucket-of-others/x")


WHY = "not compared: the served model cannot read these rows: they have no column 'dest'"


@pytest.mark.parametrize("to", ["folder", "gs://bucket"])
def test_a_model_that_was_not_compared_with_the_serving_version_is_withheld_unless_allowed(
    push, serving, clock, gcs, to
):
    to = serving if to == "folder" else f"{to}/{serving.parent.name}/serving"
    push(salt="one", to=to)
    first_digest = versions.read(str(to), 1000).digest
    clock.now += 5
    held = push(salt="two", not_compared=WHY, to=to)

    assert versions.pushed(str(to)) == [1000]
    assert held.get_int_custom_property("pushed") == 0
    reason = f"it was not compared with the serving version 1000: {WHY[14:]}. To push it anyway: push.uncompared = true"
    assert held.get_string_custom_property(component.WITHHELD) == reason
    assert held.get_string_custom_property(summary.PROPERTY) == f"nothing pushed: {reason}"
    message = push(salt="two", compared="0" * 32, to=to).get_string_custom_property(component.WITHHELD)
    assert "the serving version 1000: it was compared with another model" in message
    push(salt="two", compared=first_digest, to=to)
    clock.now += 5
    push(salt="three", to=to, uncompared=True)
    assert versions.pushed(str(to)) == [1000, 1005, 1010]


def test_a_model_of_an_older_span_is_withheld_unless_allowed(push, serving, clock):
    push(salt="one", span=7)
    first_digest = versions.read(str(serving), 1000).digest
    clock.now += 5
    held = push(salt="two", compared=first_digest, span=6)

    assert held.get_string_custom_property(component.WITHHELD) == (
        "its data is of span 6, but the serving version 1000 was trained on span 7. "
        "To push it anyway: push.older_span = true"
    )
    dated = push(salt="two", compared=first_digest, span=6, spans="day")
    assert "of span 1970-01-07, but the serving version 1000 was trained on span 1970-01-08." in (
        dated.get_string_custom_property(component.WITHHELD)
    )
    push(salt="two", compared=first_digest, span=6, older_span=True)
    pushed = versions.read(str(serving), 1005)
    assert (pushed.span, versions.pushed(str(serving))) == (6, [1000, 1005])
    back = versions.restore(str(serving), 1000)
    assert versions.read(str(serving), back).span == 7


def test_after_a_rollback_a_candidate_is_compared_with_the_restored_version(push, serving, clock):
    push(salt="one")
    clock.now += 5
    first_digest = versions.read(str(serving), 1000).digest
    push(salt="two", compared=first_digest, declines='{"r2": 0.01}')
    second_version = versions.read(str(serving), 1005)
    clock.now += 5
    versions.restore(str(serving), 1000)
    clock.now += 5

    assert push(salt="three", compared=second_version.digest).get_int_custom_property("pushed") == 0
    assert push(salt="three", compared=first_digest).get_int_custom_property("pushed") == 1
    assert second_version.declines == {"r2": 0.01}
