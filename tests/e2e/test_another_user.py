"""Whole commands of a user on the root of another one: exit code 5, path, owner and missing right, and no advice that
loses history."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from inspection.store.metadata_store import open_store
from orchestration.schedule.schedule_state import State
from serving import versions

from ..warm import REPOSITORY, Result
from .conftest import runner
from .test_project_folder import make

OWNER = 65534
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to give files to another user")
READING = ("inspect runs", "inspect show latest", "inspect clean")
WRITING = (
    "--local --pipeline flats",
    "doctor flats",
    "push --rollback flats",
    "schedule run-now daily",
    "schedule pause daily",
    "--local --schedule",
    "inspect restore BACKUP",
    "inspect clean --yes",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with two pushed versions, a store and schedules, all of which belong to another user."""
    folder = make(tmp_path_factory.mktemp("theirs") / "project", rows=60)
    root, model = folder / "runs", folder / "model"
    model.mkdir()
    (model / "saved_model.pb").write_text("weights")
    for _ in range(2):
        versions.place(str(model), str(root / "flats/serving"), check=lambda _: None)
    (root / "flats/.lock").write_text("")
    open_store(str(root), None, readonly=False)
    shutil.copy(root / "metadata.sqlite", folder / "backup")
    State(str(root)).close()
    assert runner("schedule", "list", "--project", folder).code == 0
    for path in (root, *root.rglob("*")):
        os.chown(path, OWNER, -1)
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


@pytest.fixture
def ask(project, reduced):
    def run(command):
        words = [str(project / "backup") if word == "BACKUP" else word for word in command.split()]
        process = subprocess.run(
            [*reduced, sys.executable, str(REPOSITORY / "runner.py"), *words, "--project", str(project)],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "NO_COLOR": "1"},
        )
        return Result(process.returncode, process.stdout, process.stderr)

    return run


def refused(result, path):
    """Check that a command was refused because of a path."""
    output = result.out + result.err
    assert result.code == 5, output
    assert "Traceback" not in output
    assert "move it away" not in output
    may_not = r"permission denied: root may not \S+( to)? \S+, which belongs to \S+ and group \S+ with mode 0\d{3}"
    assert re.search(rf"{path}: {may_not}\. Ask ", output), output


def test_commands_on_a_store_that_may_not_be_read_name_its_owner(project, ask):
    store = project / "runs/metadata.sqlite"
    content = store.read_bytes()
    store.chmod(0o600)
    try:
        for command in (*READING, "--local --pipeline flats", "doctor flats"):
            refused(ask(command), store)
    finally:
        store.chmod(0o644)
    assert store.read_bytes() == content
    assert not [path for path in store.parent.iterdir() if "before" in path.name]


def test_doctor_lists_a_serving_folder_that_may_not_be_read_beside_all_other_checks(project, ask):
    serving = project / "runs/flats/serving"
    serving.chmod(0o700)
    try:
        result = ask("doctor flats")
    finally:
        serving.chmod(0o755)
    refused(result, serving)
    assert re.search(rf"^gates +wrong +{serving}: permission denied", result.out, re.MULTILINE), result.out
    assert re.search(r"^versions +good", result.out, re.MULTILINE)


@pytest.mark.parametrize("command", WRITING)
def test_commands_that_write_into_the_root_of_another_user_name_the_right(project, ask, command):
    modified = {str(path): path.lstat().st_mtime_ns for path in (project / "runs").rglob("*")}
    refused(ask(command), rf"{project}/runs\S*")
    assert {str(path): path.lstat().st_mtime_ns for path in (project / "runs").rglob("*")} == modified


def test_a_user_with_read_access_lists_versions_and_schedules(ask):
    assert ask("push flats").out.count("serves") == 1
    assert "flats:daily" in ask("schedule list").out
    assert ask("schedule history").code == 0
    assert ask("inspect runs").code == 0
