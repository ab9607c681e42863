import os
import threading

import numpy as np
import pytest

from models import file_reads


@pytest.fixture
def lists(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    np.save(tmp_path / "c.npy", np.zeros(3))
    return tmp_path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def test_files_are_found_however_python_opens_them(lists, monkeypatch):
    monkeypatch.chdir(lists)
    read("a.txt")
    with file_reads.watched() as reads:
        read("a.txt")
        thread = threading.Thread(target=(lists / "b.txt").read_text)
        thread.start()
        thread.join()
        np.load(os.fsencode(lists / "c.npy"))
        os.close(os.open("a.txt", os.O_RDONLY))
    read("c.npy")

    assert reads == {str(lists / name): file_reads.digest(lists / name) for name in ("a.txt", "b.txt", "c.npy")}
    assert file_reads.changed(reads) == []
    (lists / "a.txt").write_text("b.txt")
    (lists / "b.txt").unlink()
    assert file_reads.changed(reads) == [str(lists / "a.txt"), str(lists / "b.txt")]


def test_what_is_written_what_is_apart_and_what_is_the_machines_does_not_count(lists, tmp_path_factory):
    apart = tmp_path_factory.mktemp("apart")
    (apart / "x.txt").write_text("x")
    with file_reads.watched([str(apart)]) as reads:
        (lists / "new.txt").write_text("new")
        read(lists / "new.txt")
        read(apart / "x.txt")
        read("/proc/self/status")
        read("/etc/passwd")
        read(os.__file__)
        read(np.__file__)
        with pytest.raises(FileNotFoundError):
            read(lists / "gone.txt")

    assert reads == {}


def test_a_module_counts_as_its_source(lists, monkeypatch):
    (lists / "own_words.py").write_text("WORDS = 1\n")
    monkeypatch.syspath_prepend(lists)
    for _ in range(2):
        with file_reads.watched() as reads:
            __import__("own_words")
        assert reads == {str(lists / "own_words.py"): file_reads.digest(lists / "own_words.py")}
        monkeypatch.delitem(__import__("sys").modules, "own_words")


def test_a_file_that_changes_between_two_reads_is_reported(lists):
    def twice():
        with file_reads.watched():
            read(lists / "a.txt")
            read(lists / "a.txt")
            os.replace(lists / "b.txt", lists / "a.txt")
            read(lists / "a.txt")

    with pytest.raises(file_reads.ChangedError, match=r"a\.txt was changed between two times that it was read"):
        twice()


def test_what_another_process_read_is_added(lists):
    file_reads.add({"x": "1"})
    with file_reads.watched() as reads:
        file_reads.add({"x": "1"})
    assert reads == {"x": "1"}

    def two():
        with file_reads.watched():
            file_reads.add({"x": "1"})
            file_reads.add({"x": "2"})

    with pytest.raises(file_reads.ChangedError):
        two()
