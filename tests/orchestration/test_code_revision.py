"""The git revision of the code in run.json."""

import subprocess

import pytest

import project
from orchestration.records import code_revision

from ..attributes import with_attributes


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A project below the top of a git repository, with one commit."""
    folder = tmp_path / "top" / "my project"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("a = 1\n")
    (tmp_path / "top" / "other.py").write_text("b = 1\n")

    @with_attributes
    def run(*arguments):
        settings = ("-c", "user.name=someone", "-c", "user.email=a@b.c")
        command = ["git", "-C", str(tmp_path / "top"), *settings, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q")
    run("add", ".")
    run("commit", "-qm", "first")
    monkeypatch.setattr(project, "folders", lambda: [str(folder)])
    run.folder, run.top = folder, tmp_path / "top"
    return run


def test_the_commit_is_recorded_and_data_do_not_count_as_changed_code(git):
    (git.folder / "new.csv").write_text("x\n1\n")
    (git.top / "other.py").write_text("outside the project\n")
    [revision] = code_revision.revisions()
    assert revision == {"folder": str(git.folder), "commit": git("rev-parse", "HEAD"), "dirty": False, "changed": []}


def test_edited_new_and_removed_code_is_named(git, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    (git.folder / "ü b.toml").write_text("x = 1\n")
    (git.folder / "a.py").unlink()
    [revision] = code_revision.revisions()
    assert revision["dirty"] is True
    assert revision["changed"] == ["a.py", "ü b.toml"]


def test_without_git_there_is_no_revision(git, tmp_path, monkeypatch):
    monkeypatch.setattr(project, "folders", lambda: [str(tmp_path)])
    assert code_revision.revisions() == []
    monkeypatch.setattr(project, "folders", lambda: [str(git.folder)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_revision.revisions() == []


def test_a_repository_without_a_commit_has_no_revision(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(project, "folders", lambda: [str(tmp_path)])
    assert code_revision.revisions() == []
