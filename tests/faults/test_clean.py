"""Clean-ups of a root that does not match the store, and killed clean-ups."""

import argparse
import itertools
import os
import shutil
import signal

import pytest
from ml_metadata import MetadataStore

from errors import ResourceError
from inspection import inspect_parser
from inspection.clean import trash
from tests.inspection.cleaned import Runs, tree
from tests.inspection.conftest import TfxWriter

PARTS = (".", "artifacts", "artifacts/trainer", "artifacts/trainer/model", "runs", "trials")


@pytest.fixture
def runs(tmp_path):
    """Four runs: the first serves, the second needs nothing, the last two are blessed."""
    root = tmp_path / "runs"
    root.mkdir()
    runs_of_root = Runs(TfxWriter(root / "metadata.sqlite"), root)
    runs_of_root(served=True)
    runs_of_root(blessed=False)
    runs_of_root()
    runs_of_root()
    (runs_of_root.home / "trials").mkdir()
    return runs_of_root


def clean(root, *arguments):
    """Run the command; say whether it ended with an error."""
    parser = argparse.ArgumentParser()
    inspect_parser.add_arguments(parser)
    options = [*arguments] if arguments else ["--keep", "1", "--yes"]
    try:
        inspect_parser.run(parser.parse_args(["clean", *options, "--root", str(root)]))
    except ResourceError:
        return True
    return False


def files(root):
    """Content of all files of runs, whatever folder they are in, links followed."""
    records = ("metadata.sqlite", "moved.jsonl", ".lock")
    return sorted(content for path, content in tree(root).items() if os.path.basename(path) not in records)


def test_a_clean_up_of_a_root_that_differs_from_the_store_loses_no_file(runs, tmp_path, figure):
    """Fault 41: a link at each level, a root that was moved or copied, a store that is older than the files."""
    lost, refused = 0, 0
    for number, part in enumerate(PARTS):
        place, away = (runs.home / part).resolve(), tmp_path / f"away {number}"
        shutil.move(place, away)
        place.symlink_to(away)
        contents, behind = files(runs.root), tree(away)
        refused += clean(runs.root)
        lost += files(runs.root) != contents or not behind.items() <= tree(away).items()
        place.unlink()
        shutil.move(away, place)
        if trash.entries(str(runs.root)):
            clean(runs.root, "--undo")
    copied = tmp_path / "copied"
    shutil.copytree(runs.root, copied)
    original, contents = tree(runs.root), files(copied)
    assert not clean(copied), "a copy is cleaned as any root is"
    assert trash.entries(str(copied))
    lost += tree(runs.root) != original or files(copied) != contents
    shutil.copyfile(runs.root / "metadata.sqlite", tmp_path / "backup")
    for _ in range(2):
        runs(served=True)
    contents = tree(runs.home)
    shutil.copyfile(tmp_path / "backup", runs.root / "metadata.sqlite")
    refused += clean(runs.root)
    lost += not contents.items() <= tree(runs.home).items()

    figure(41, f"{len(PARTS)} links, a copied root, an older store: refused {refused}, trees with files lost = {lost}")
    assert (refused, lost) == (len(PARTS) + 1, 0)


def killed_at(number, root):
    """Clean up in a process that is killed before its operation of this number; say whether it was."""
    pid = os.fork()
    if pid == 0:
        remaining = [number]

        def counted(module, name):
            real = getattr(module, name)

            def call(*arguments, **named):
                if not remaining[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                remaining[0] -= 1
                return real(*arguments, **named)

            setattr(module, name, call)

        try:
            for module, name in ((os, "fsync"), (os, "rename"), (os, "mkdir"), (MetadataStore, "put_artifacts")):
                counted(module, name)
            clean(root)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def test_a_clean_up_that_is_killed_at_any_step_can_be_undone(runs, figure):
    """Fault 41: at every flush, rename and write to the store."""
    contents, kills, lost = files(runs.root), 0, 0
    paths = tree(runs.home).keys()
    for number in itertools.count():
        killed = killed_at(number, runs.root)
        lost += files(runs.root) != contents
        # The next clean-up continues it, and both are undone.
        clean(runs.root)
        lost += files(runs.root) != contents
        while os.listdir(runs.root / ".trash") != [".lock"]:
            clean(runs.root, "--undo")
        lost += not paths <= tree(runs.home).keys()
        if not killed:
            break
        kills += 1
    figure(41, f"{kills} kills of a clean-up, each undone: trees with files lost = {lost}")
    assert kills > 10
    assert lost == 0
