import itertools
import os
import shutil
import signal
import types

import pytest

from serving import ownership, versions

FILES = {
    "saved_model.pb": b"graph" * 9000,
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": b"weights" * 300_000,
    "assets/vocabulary": b"a\nb\n",
}
OPERATIONS = ((os, "fsync"), (os, "rename"), (os, "makedirs"), (shutil, "copyfileobj"), (shutil, "rmtree"))
"""What a push does to the disk, one after the other."""


@pytest.fixture
def model(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(tmp_path / "model")


def is_whole(folder, number):
    version = versions.read(folder, number)
    return version.digest == versions.digest(os.path.join(folder, str(number)))


def pushed_until(number, model, folder, keep=2):
    """Push in a process that is killed before its operation of this number, or within it where it copies a file."""
    pid = os.fork()
    if pid == 0:
        remaining = [number]

        def counted(module, name):
            operation = getattr(module, name)

            def call(*args, **kwargs):
                if not remaining[0]:
                    if name == "copyfileobj":
                        args[1].write(args[0].read(3))
                        args[1].flush()
                    os.kill(os.getpid(), signal.SIGKILL)
                remaining[0] -= 1
                return operation(*args, **kwargs)

            setattr(module, name, call)

        try:
            for module, name in OPERATIONS:
                counted(module, name)
            versions.place(model, folder, check=lambda _: None, keep=keep)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_push_that_is_killed_at_any_step_leaves_no_incomplete_version(model, tmp_path, figure):
    """Fault 3: at every file, flush and rename of a push, also while it removes a version that is too old."""
    kills, half, lost = 0, 0, 0
    while True:
        folder = str(tmp_path / f"serving-{kills}")
        versions.place(model, folder, check=lambda _: None)
        versions.place(model, folder, check=lambda _: None)
        numbers_before = versions.pushed(folder)
        if pushed_until(kills, model, folder) == 0:
            break
        numbers = versions.pushed(folder)
        half += sum(not is_whole(folder, number) for number in numbers)
        lost += numbers_before[-1] not in numbers
        versions.place(model, folder, check=lambda _: None, keep=2)
        assert sorted(os.listdir(folder)) == [".lock", ".pushed", *map(str, versions.pushed(folder))]
        assert ownership.ledger_versions(folder) == versions.pushed(folder)
        shutil.rmtree(folder)
        kills += 1
    assert kills > 2 * len(FILES)
    assert (half, lost) == (0, 0)
    figure(3, f"{kills} kills, half versions = {half}, served versions lost = {lost}")


def tree(folder):
    """Every path below a folder, with what a file holds and where a link leads."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def test_files_of_others_in_the_serving_folder_survive_pushes_and_kills(model, tmp_path, figure):
    """Fault 44: folders, copies and links of others, while pushes that keep one version are killed at every step."""
    folder, archive = tmp_path / "houses" / "serving", tmp_path / "archive"
    first_version = versions.place(model, str(folder), check=lambda _: None)
    foreign_files = {
        "2019/sales.csv": "a",
        "20240101/model.tflite": "b",
        ".2019.partial/x": "c",
        ".5.old/x": "d",
        "9/f": "e",
    }
    for name, content in foreign_files.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(content)
    shutil.copytree(folder / str(first_version), folder / str(first_version - 10))
    shutil.copytree(folder / str(first_version), archive / "3")
    (folder / "3").symlink_to(archive / "3")
    (folder / "4").symlink_to(archive / "missing")
    files, archived_files = tree(folder), tree(archive)
    kills = 0
    while pushed_until(kills, model, str(folder), keep=1):
        kills += 1
    pushes = kills + 1
    for _ in range(3):
        versions.place(model, str(folder), check=lambda _: None, keep=1)
    newest = versions.read(str(folder), versions.pushed(str(folder))[-1])

    lost = [name for name in files if name.split("/")[0] != str(first_version) and not name.startswith(".pushed")]
    lost = [name for name in lost if tree(folder).get(name) != files[name]]
    assert lost == []
    assert tree(archive) == archived_files
    assert ownership.ledger_versions(str(folder)) == [newest.number]
    assert not (folder / str(first_version)).exists()
    figure(44, f"disk: {len(files)} paths of others, {pushes + 3} pushes, {kills} of them killed: lost = {len(lost)}")


def test_version_numbers_rise_even_if_the_clock_is_set_back(model, tmp_path, figure, monkeypatch):
    """Fault 4: pushes in one second, and after the clock went back an hour."""
    clock = types.SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(versions, "time", types.SimpleNamespace(time=lambda: clock.now))
    folder, numbers = str(tmp_path / "serving"), []
    for step in (0.0, 0.4, -3600.0, 1.0, 0.0, 7200.0):
        clock.now += step
        numbers.append(versions.place(model, folder, check=lambda _: None, keep=3))
    numbers.append(versions.restore(folder, numbers[-2]))

    assert all(later > earlier for earlier, later in itertools.pairwise(numbers))
    figure(4, f"{len(numbers)} pushes, one of them a rollback, collisions = {len(numbers) - len(set(numbers))}")


def test_simultaneous_pushes_become_different_versions(model, tmp_path, figure):
    """Fault 4: eight processes push to one folder at once."""
    folder, pids = str(tmp_path / "serving"), []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            try:
                versions.place(model, folder, check=lambda _: None)
            finally:
                os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)

    numbers = versions.pushed(folder)
    assert len(numbers) == 8
    assert all(is_whole(folder, number) for number in numbers)
    figure(4, f"8 pushes at once, versions = {len(numbers)}")


def test_no_incomplete_version_is_read_while_versions_are_pushed_and_removed(model, tmp_path, figure):
    """Fault 38: a reader takes the highest version over and over, as TF Serving does, while 60 are pushed."""
    folder, stop = str(tmp_path / "serving"), tmp_path / "stop"
    versions.place(model, folder, check=lambda _: None)
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            while not stop.exists():
                os.write(writes, b"." if is_whole(folder, versions.pushed(folder)[-1]) else b"x")
        finally:
            os._exit(0)
    os.close(writes)
    output = b""
    for number in range(60):
        versions.place(model, folder, check=lambda _: None, keep=6)
        if number % 10 == 9:
            versions.restore(folder, versions.previous(folder), keep=6)
        if number % 2:
            # A reader that gets no time would be outrun by more pushes than are kept.
            output += os.read(reads, 65536)
    stop.touch()
    os.waitpid(pid, 0)
    output += os.read(reads, 65536)

    assert set(output) == set(b".")
    figure(38, f"60 pushes and 6 rollbacks under {len(output)} whole reads of the newest version: errors = 0")


def test_files_of_others_in_the_bucket_survive_pushes(figure, s3, tmp_path):
    """Fault 44: on an S3 server."""
    import buckets

    home, model = "s3://bucket/foreign/houses", tmp_path / "model"
    (model / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/index"):
        (model / name).write_text(name)
    foreign_files = (
        "2019/sales.csv",
        "20240101/model.tflite",
        "900/saved_model.pb",
        ".7.partial/x",
        "latest/saved_model.pb",
    )
    for name in foreign_files:
        buckets.write(f"{home}/serving/{name}", name.encode())
    numbers = [versions.place(str(model), f"{home}/serving", check=lambda _: None, keep=2) for _ in range(4)]

    lost = [name for name in foreign_files if buckets.read(f"{home}/serving/{name}") != name.encode()]
    assert lost == []
    assert versions.pushed(f"{home}/serving") == [900, *numbers[-2:]]
    figure(44, f"bucket: {len(foreign_files)} folders of others, {len(numbers)} pushes that keep 2: lost = {len(lost)}")
