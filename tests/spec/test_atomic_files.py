"""Atomic writes: the earlier file or the complete new one, and no draft is left."""

import os

import pytest

from spec.artifacts import atomic_files


def test_a_write_replaces_the_file_and_leaves_no_draft(tmp_path):
    path = tmp_path / "facts.json"
    path.write_text("earlier")
    atomic_files.write(str(path), "Zürich", flush=True)
    assert path.read_text(encoding="utf-8") == "Zürich"
    assert os.listdir(tmp_path) == ["facts.json"]


def test_the_earlier_file_stays_until_the_block_ends(tmp_path):
    path = tmp_path / "facts.json"
    path.write_bytes(b"earlier")
    with atomic_files.opened(str(path), draft=str(tmp_path / "draft")) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"earlier"
        assert (tmp_path / "draft").exists()
    assert path.read_bytes() == b"new"


def test_a_failed_block_leaves_the_earlier_file_and_no_draft(tmp_path):
    path = tmp_path / "facts.json"
    path.write_bytes(b"earlier")

    def fail() -> None:
        with atomic_files.opened(str(path)) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"earlier"
    assert os.listdir(tmp_path) == ["facts.json"]


def test_a_draft_that_cannot_be_opened_is_not_removed(tmp_path):
    (tmp_path / "facts.json.partial").mkdir()
    with pytest.raises(IsADirectoryError):
        atomic_files.write(str(tmp_path / "facts.json"), "text")
    assert os.listdir(tmp_path) == ["facts.json.partial"]


def test_the_content_is_on_the_disk_before_it_replaces_the_file(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append("fsync") or fsync(descriptor))
    monkeypatch.setattr(os, "replace", lambda *paths: calls.append("replace") or replace(*paths))
    atomic_files.write(str(tmp_path / "durable"), "text", flush=True)
    atomic_files.write(str(tmp_path / "cache"), "text")
    assert calls == ["fsync", "replace", "replace"]
