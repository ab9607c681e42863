"""Changes to a folder of configs by editors, version control and users."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

import project
from orchestration.schedule import config_watch, plans
from orchestration.schedule.schedule_faults import Faults

CONFIG = (
    '[data]\npath = "flats.csv"\n[features]\nnumeric = [{column = "area"}]\n[label]\ncolumn = "price"\n'
    '[[schedule]]\nname = "nightly"\ncron = "30 2 * * *"\n'
)


@pytest.fixture
def configs(tmp_path, monkeypatch):
    """A repository with the config of one pipeline."""
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "flats.toml").write_text(CONFIG)
    return folder


@pytest.fixture
def watching(configs):
    """The watch of a scheduler, and its log lines."""
    messages = []
    root = str(configs.parent / "runs")
    with config_watch.Watch(
        root, lambda: plans.all_plans(str(configs.parent)), Faults(messages.append), messages.append
    ) as watch:
        watched: Any = watch
        watched.said, watched.root = messages, root
        yield watched


def names(watching):
    return [plan.name for plan in watching.plans]


@pytest.mark.parametrize(
    "name",
    [".#flats.toml", "flats.toml~", ".flats.toml.swp", "4913", "#flats.toml#", "flats.toml.orig", "._flats.toml"],
)
@pytest.mark.parametrize("kind", ["text", "dangling link", "folder"])
def test_backup_files_of_editors_are_not_configs(configs, watching, name, kind):
    if kind == "text":
        (configs / name).write_bytes(b"b0VIM 8.2\0schedule")
    elif kind == "folder":
        (configs / name).mkdir()
    else:
        (configs / name).symlink_to("root@host.1234:1700000000")
    watching.look()
    assert names(watching) == ["flats:nightly"]
    assert watching.said == []


HALF = CONFIG[: CONFIG.index('"30 2')] + '"30'


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda path: path.write_text(HALF), "this is not TOML: "),
        (lambda path: path.write_bytes(b"schedule = \xff\xfe"), "this is not TOML: "),
        (lambda path: path.write_text("schedule = " + "[" * 100_000), "this is not TOML: "),
        (lambda path: path.write_text(CONFIG.replace("30 2 * * *", "99 2 * * *")), "schedule.0: "),
        (lambda path: path.write_text("schedule = 3"), "schedule: "),
        (lambda path: path.mkdir(), "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read: No such file or directory"),
        (lambda path: path.symlink_to("other.toml"), "cannot be read: Too many levels of symbolic links"),
    ],
    ids=[
        "half written",
        "no text",
        "deeply nested",
        "a wrong value",
        "a wrong type",
        "a folder",
        "a pipe",
        "dangling",
        "a loop",
    ],
)
def test_an_invalid_config_is_logged_once_and_used_after_its_fix(configs, watching, put, reason):
    other_config = configs / "other.toml"
    put(other_config)
    for _ in range(3):
        watching.look()
    [line] = watching.said
    assert line.startswith("configs/other.toml")
    assert reason in line
    assert names(watching) == ["flats:nightly"]
    other_config.rmdir() if other_config.is_dir() else other_config.unlink()
    other_config.write_text(CONFIG)
    watching.look()
    assert names(watching) == ["flats:nightly", "other:nightly"]
    assert "configs/other.toml: resolved" in watching.said


def test_an_edit_that_makes_a_config_invalid_keeps_its_schedules(configs, watching):
    (configs / "flats.toml").write_text(HALF)
    (configs / "new.toml").write_text(CONFIG)
    watching.look()
    assert names(watching) == ["flats:nightly", "new:nightly"]
    assert "configs/flats.toml: this is not TOML" in watching.said[0]
    (configs / "flats.toml").write_text(CONFIG.replace("nightly", "weekly"))
    watching.look()
    assert names(watching) == ["flats:weekly", "new:nightly"]


def test_a_config_that_is_temporarily_missing_is_scheduled_again(configs, watching):
    """As an editor, or a checkout of another branch, removes and writes it."""
    (configs / "flats.toml").rename(configs / "flats.toml~")
    watching.look()
    assert names(watching) == []
    with config_watch.locked(watching.root, "flats:nightly"):
        pass
    (configs / "flats.toml~").rename(configs / "flats.toml")
    watching.look()
    assert names(watching) == ["flats:nightly"]


def test_a_missing_folder_keeps_the_schedules(configs, watching):
    configs.rename(configs.parent / "away")
    with pytest.raises(FileNotFoundError):
        watching.look()
    assert names(watching) == ["flats:nightly"]


def test_a_schedule_of_another_process_is_taken_over_after_its_end(configs, watching):
    with config_watch.locked(watching.root, "other:nightly"):
        (configs / "other.toml").write_text(CONFIG)
        watching.look()
        watching.look()
        assert names(watching) == ["flats:nightly"]
        [line] = watching.said
        assert "another process already runs schedule other:nightly" in line
    watching.look()
    assert names(watching) == ["flats:nightly", "other:nightly"]


def test_an_unreadable_config_is_used_once_it_is_readable(monkeypatch):
    """Root may read every file, so that for root another user looks."""
    messages = []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        configs = Path(folder, "configs")
        configs.mkdir()
        monkeypatch.setenv(project.VARIABLE, folder)
        for name in ("flats", "other"):
            (configs / f"{name}.toml").write_text(CONFIG)
        (configs / "other.toml").chmod(0)
        read, user = lambda: plans.all_plans(folder), os.geteuid()
        if user == 0:
            os.makedirs(f"{folder}/runs")
            os.chown(f"{folder}/runs", 65534, 65534)
            os.seteuid(65534)
        try:
            with config_watch.Watch(f"{folder}/runs", read, Faults(messages.append), messages.append) as watching:
                assert names(watching) == ["flats:nightly"]
                [line] = messages
                assert line.startswith("configs/other.toml cannot be read: Permission denied")
                os.seteuid(user)
                (configs / "other.toml").chmod(0o644)
                watching.look()
                assert names(watching) == ["flats:nightly", "other:nightly"]
        finally:
            os.seteuid(user)
