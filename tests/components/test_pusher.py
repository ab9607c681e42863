import errno
import json
import os
import shutil
import types
from pathlib import Path

import numpy as np
import pytest
from tfx.types import standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import path_utils

from components import digest, pusher, summary, versions
from errors import ResourceError, RunError
from models import probe


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    clock = types.SimpleNamespace(now=1000.0)
    monkeypatch.setattr(versions, "time", types.SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def serving(tmp_path):
    return tmp_path / "serving"


@pytest.fixture
def push(tmp_path, serving, saved):
    """Runs the executor; returns the PushedModel artifact."""
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    shutil.copytree(saved, path_utils.serving_model_dir(model.uri))

    def run(blessed=True, keep=10, to=serving):
        pushed, blessing = standard_artifacts.PushedModel(), standard_artifacts.ModelBlessing()
        pushed.uri = str(tmp_path / "pushed")
        blessing.set_int_custom_property("blessed", int(blessed))
        inputs = {"model": [model], "blessing": [blessing]}
        parameters = {"serving": str(to), "keep": keep, "code": ""}
        pusher.Executor().Do(inputs, {"pushed_model": [pushed]}, parameters)
        return pushed

    run.model = Path(path_utils.serving_model_dir(model.uri))
    return run


def files(folder):
    """Content of each file, but for what pushing adds."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != versions.RECORD}


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


@pytest.mark.parametrize(
    ("step", "expected"),
    [(5.0, ["1000", "1005", "1010"]), (0.0, ["1000", "1001", "1002"]), (-3600.0, ["1000", "1001", "1002"])],
    ids=["later", "in the same second", "after the clock went back"],
)
def test_versions_rise(push, clock, serving, step, expected):
    made = []
    for _ in range(3):
        made.append(push().get_string_custom_property("pushed_version"))
        clock.now += step

    assert made == expected
    assert sorted(os.listdir(serving)) == [".lock", ".pushed", *expected]
    assert all(files(serving / version) == files(push.model) for version in made)


def test_a_failed_copy_leaves_nothing_and_says_what_serves(push, serving, clock, monkeypatch):
    push()
    clock.now += 60

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(versions, "_flush", full)
    with pytest.raises(ResourceError, match=r"No space left on device. Version 1000 serves on; .* make room, and run"):
        push()

    assert sorted(os.listdir(serving)) == [".lock", ".pushed", "1000"]
    assert files(serving / "1000") == files(push.model)


def test_a_copy_that_answers_otherwise_is_not_pushed(push, serving, monkeypatch):
    copy = versions._copy

    def damaged(source, target):
        copy(source, target)
        path = os.path.join(target, "variables", "variables.data-00000-of-00001")
        with open(path, "r+b") as file:
            file.write(np.float32(3).tobytes())

    monkeypatch.setattr(versions, "_copy", damaged)
    with pytest.raises(
        RunError, match=r"is not pushed: .*(Checksum|prediction of sample row 1 is).* Nothing is served"
    ):
        push()

    assert versions.pushed(str(serving)) == []


def test_a_model_that_answers_otherwise_than_at_its_export_is_not_pushed(push, serving):
    sample = json.loads((push.model / probe.SAMPLE).read_text())
    sample["answers"]["prediction"][2] += 0.1
    (push.model / probe.SAMPLE).write_text(json.dumps(sample))
    with pytest.raises(RunError, match=r"its prediction of sample row 3 is 4\.0, and was 4\.1 when it was exported"):
        push()

    assert versions.pushed(str(serving)) == []


def test_the_last_versions_are_kept(push, serving, clock):
    for _ in range(5):
        push(keep=3)
        clock.now += 1

    assert versions.pushed(str(serving)) == [1002, 1003, 1004]


def test_versions_are_numbers_only(serving, tmp_path):
    assert versions.pushed(str(tmp_path / "missing")) == []
    for name in ("12", "7", "100", ".200.partial", "latest", "v3", "1.5"):
        (serving / name).mkdir(parents=True)

    assert versions.pushed(str(serving)) == [7, 12, 100]


def test_the_node_has_the_public_id_and_a_digest_of_its_code():
    node = pusher.pusher(
        model=Channel(type=standard_artifacts.Model),
        blessing=Channel(type=standard_artifacts.ModelBlessing),
        serving="serving",
        keep=5,
    )

    assert node.id == "pusher"
    assert digest.of_parameters(node.exec_properties)["modules"] == ["components.pusher"]


def test_a_bucket_keeps_as_many_versions(push, clock):
    for _ in range(3):
        pushed = push(to="ram://pusher/serving", keep=2)

    assert versions.pushed("ram://pusher/serving") == [1001, 1002]
    assert pushed.get_string_custom_property("pushed_destination") == "ram://pusher/serving/1002"


def test_a_bucket_out_of_reach_is_told_with_the_mend(push):
    with pytest.raises(
        ResourceError, match=r"nosuch://bucket: the model could not be copied there: .*nosuch.* serves on; mend the add"
    ):
        push(to="nosuch://bucket")
