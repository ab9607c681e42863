"""Folders of tests in memory."""

import os

import pytest

from tests import memory


@pytest.fixture(autouse=True)
def _on_this_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "FOLDER", str(tmp_path))


def test_a_folder_with_room_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "NEEDED_GB", 0)
    assert memory.place() == str(tmp_path)


def test_the_disk_is_used_where_memory_has_no_room_or_no_folder(tmp_path, monkeypatch):
    free = os.statvfs(tmp_path)
    monkeypatch.setattr(memory, "NEEDED_GB", 2 * free.f_bavail * free.f_frsize / 1e9 + 1)
    assert memory.place() is None
    monkeypatch.setattr(memory, "NEEDED_GB", 0)
    monkeypatch.setattr(memory, "FOLDER", str(tmp_path / "none"))
    assert memory.place() is None


def test_nothing_stays_in_memory(tmp_path, pytester, monkeypatch):
    pytester.makeconftest("from tests import memory\nmemory.NEEDED_GB = 0\ntmp_path = memory.in_memory")
    pytester.makepyfile(
        f"from tests import memory\nmemory.FOLDER = {str(tmp_path)!r}\n"
        "def test_it(tmp_path):\n"
        "    assert str(tmp_path).startswith(memory.FOLDER)\n"
        "    tmp_path.with_name('beside').mkdir()\n"
    )
    before = sorted(os.listdir(tmp_path))
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert sorted(os.listdir(tmp_path)) == before


pytest_plugins = ["pytester"]
