import os
import types

import pytest
from tfx.types import standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import io_utils, path_utils

from components import pusher, summary, versions

CONTENT = {"saved_model.pb": "graph", "variables/variables.index": "index", "assets/vocabulary": "a\nb\n"}


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
def push(tmp_path, serving):
    """Runs the executor; returns the PushedModel artifact."""
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    for name, text in CONTENT.items():
        path = os.path.join(path_utils.serving_model_dir(model.uri), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def run(blessed=True):
        pushed, blessing = standard_artifacts.PushedModel(), standard_artifacts.ModelBlessing()
        pushed.uri = str(tmp_path / "pushed")
        blessing.set_int_custom_property("blessed", int(blessed))
        inputs = {"model": [model], "blessing": [blessing]}
        pusher.Executor().Do(inputs, {"pushed_model": [pushed]}, {"serving": str(serving), "code": ""})
        return pushed

    return run


def files(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_model_that_is_not_blessed_is_not_pushed(push, serving):
    pushed = push(blessed=False)

    assert not serving.exists()
    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.has_custom_property("pushed_destination")
    assert pushed.get_string_custom_property(summary.PROPERTY) == "nothing pushed: the model is not blessed"


def test_a_blessed_model_becomes_a_complete_version(push, serving, clock):
    pushed = push()

    assert os.listdir(serving) == ["1000"]
    assert files(serving / "1000") == CONTENT
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
    assert sorted(os.listdir(serving)) == expected
    assert all(files(serving / version) == CONTENT for version in made)


@pytest.mark.parametrize("copied", range(4))
def test_nothing_is_visible_before_it_is_whole(push, serving, clock, monkeypatch, copied):
    """Fails after each number of copied files, the last of them between copy and rename."""
    push()
    clock.now += 60
    fileio, left = io_utils.fileio, [copied]

    def fail(source, target, *_, **__):
        if not left[0]:
            raise OSError("no space left on device")
        left[0] -= 1
        return copy(source, target)

    copy = fileio.copy
    monkeypatch.setattr(fileio, "copy", fail)
    monkeypatch.setattr(pusher.fileio, "rename", lambda *_: (_ for _ in ()).throw(OSError("no space left on device")))
    with pytest.raises(OSError, match="no space left"):
        push()

    assert versions.pushed(str(serving)) == [1000]
    assert [name for name in os.listdir(serving) if not name.startswith(".")] == ["1000"]
    assert files(serving / "1000") == CONTENT


def test_a_push_after_a_failed_one_is_whole(push, serving, clock):
    (serving / ".1000.partial").mkdir(parents=True)
    (serving / ".1000.partial" / "left over").write_text("")
    push()

    assert versions.pushed(str(serving)) == [1000]
    assert files(serving / "1000") == CONTENT


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
    )

    assert node.id == "pusher"
    assert len(node.exec_properties["code"]) == 16
