"""A notification channel of the user's own, in a project outside the repository."""

import shutil
from pathlib import Path

import pytest

import project
from errors import UserError
from orchestration.schedule import bounded_process, channels, notifications, plans
from spec.timing.schedule import Notify
from tests import processes

HERE = Path(__file__).parent
CONFIG = """\
[data]
path = "x.csv"
[features]
numeric = [{column = "a"}]
[label]
column = "y"
[[schedule]]
name = "daily"
cron = "0 3 * * *"
[notify]
channels = {"my_channel.send" = "${ROOM}/told.txt"}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with the channel."""
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    monkeypatch.setenv("ROOM", str(tmp_path))
    # More than a program needs to start on a loaded machine.
    monkeypatch.setattr(bounded_process, "SECONDS", processes.WAIT)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "x.toml").write_text(CONFIG)
    shutil.copy(HERE / "my_channel.py", tmp_path)
    return tmp_path


def tell(notify, text="x:daily failed: no rows"):
    """Sends a message; returns what was logged."""
    lines = []
    notifications.tell(notify, "failure", {"text": text, "schedule": "x:daily"}, say=lines.append)
    return lines


def test_a_function_of_the_project_sends_the_messages_of_its_schedules(folder):
    [plan] = plans.plans_of("x")

    assert tell(plan.notify) == []
    assert tell(plan.notify, "again") == []
    assert (folder / "told.txt").read_text() == "failure: x:daily failed: no rows\nfailure: again\n"


def test_what_it_returns_or_raises_is_logged_without_the_setting(folder, monkeypatch):
    notify = Notify(channels={"my_channel.send": "${ROOM}/SECRET/told.txt"})
    assert tell(notify) == ["notify.my_channel.send: the file cannot be written: No such file or directory"]

    (folder / "my_channel.py").write_text(
        "def send(setting, message):\n    print('x')\n    raise ValueError(setting)\n"
    )
    assert tell(notify) == ["notify.my_channel.send: failed (ValueError at my_channel.py, line 3)"]
    monkeypatch.delenv("ROOM")
    assert tell(notify) == ["notify.my_channel.send: the environment variable ROOM is not set"]


def test_a_channel_that_hangs_is_stopped(folder, monkeypatch):
    monkeypatch.setattr(bounded_process, "SECONDS", 1.5)
    (folder / "my_channel.py").write_text("import time\n\n\ndef send(setting, message):\n    time.sleep(60)\n")

    assert tell(Notify(channels={"my_channel.send": ""})) == [
        "notify.my_channel.send: stopped after 1.5 s, the limit of a notification"
    ]


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("my_chanel.send", r"^configs/x\.toml: notify\.channels: 'my_chanel\.send' names the module my_chanel, but"),
        ("my_channel.sent", r"^configs/x\.toml: notify\.channels: my_channel\.py defines no 'sent'\. Did you mean"),
        ("web_hook", r"^configs/x\.toml: notify\.channels: there is no channel 'web_hook'\. Did you mean 'webhook'\?"),
    ],
)
def test_a_channel_that_does_not_exist_is_found_before_a_schedule_runs(folder, channel, message):
    path = folder / "configs" / "x.toml"
    path.write_text(CONFIG.replace("my_channel.send", channel))

    with pytest.raises(UserError, match=message):
        plans.plans_of("x")


def test_each_file_of_the_folder_is_a_channel(folder, tmp_path, monkeypatch):
    copy = tmp_path / "channels"
    copy.mkdir()
    shutil.copy(HERE / "my_channel.py", copy / "room.py")
    assert channels.names() == ["command", "webhook"]
    monkeypatch.setattr(channels, "__file__", str(copy / "__init__.py"))
    monkeypatch.setattr(channels, "__path__", [str(copy)])

    channels.check(["room"])
    assert tell(Notify(channels={"room": str(tmp_path / "told")})) == []
    assert (tmp_path / "told").read_text().startswith("failure: ")
