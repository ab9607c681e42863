"""Invalid folders, stores and code: errors of preflight."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from project import REPOSITORY


@pytest.fixture
def read_only(tmp_path):
    """Run Python in a mount namespace of its own, in which a folder is a small disk that cannot be written."""
    # Anyone may mount in a user namespace of their own; root needs none.
    apart = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    tried = subprocess.run([*apart, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"a mount namespace is missing, as in a changed root: {tried.stderr.strip()}")

    def run(folder, code):
        script = (
            f"mkdir -p {tmp_path}/held && cp -a {folder}/. {tmp_path}/held/ "
            f"&& mount -t tmpfs -o size=20m tmpfs {folder} && cp -a {tmp_path}/held/. {folder}/ "
            f"&& mount -o remount,ro {folder} && exec {sys.executable} -c '{code}'"
        )
        completed = subprocess.run(
            [*apart, "sh", "-c", script],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": REPOSITORY},
        )
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    return run


PLACES = """
import time
from orchestration import preflight
begun = time.perf_counter()
for check in preflight.look(None, root="ROOT", metadata=METADATA).checks:
    for line in check.lines():
        print(line)
print(f"{time.perf_counter() - begun:.2f} s")
"""


def made_store(folder):
    from inspection.store.metadata_store import open_store

    folder.mkdir(parents=True)
    open_store(str(folder), None, readonly=False)
    return folder / "metadata.sqlite"


def test_read_only_paths_are_rejected(tmp_path, read_only, figure):
    """Fault 23: a root and a store on a disk that is mounted to read only."""
    disk = tmp_path / "disk"
    made_store(disk / "runs")
    lines = read_only(disk, PLACES.replace("ROOT", f"{disk}/runs").replace("METADATA", "None")).splitlines()
    assert lines[0] == (
        f"{disk}/runs cannot be written (Read-only file system): choose another folder with --root, or fix its "
        "permissions"
    )
    assert lines[1].startswith(f"{disk}/runs/metadata.sqlite is not writable, but a run keeps its record in ")
    figure(23, f"root and store named in {lines[-1]}")
    elsewhere = PLACES.replace("ROOT", str(tmp_path / "other")).replace(
        "METADATA", f'"sqlite:///{disk}/runs/metadata.sqlite"'
    )
    assert read_only(disk, elsewhere).splitlines()[0] == lines[1]


def zero(path):
    path.write_bytes(b"")


def cut(path):
    os.truncate(path, path.stat().st_size // 3)


def flip(path):
    text = bytearray(path.read_bytes())
    text[4096 * 3 : 4096 * 3 + 64] = bytes(byte ^ 0x55 for byte in text[4096 * 3 : 4096 * 3 + 64])
    path.write_bytes(text)


@pytest.mark.parametrize("damage", [zero, cut, flip])
def test_a_damaged_store_is_never_replaced(flats, figure, damage):
    """Fault 24: refused before the first stage, and left as it is."""
    path = made_store(flats.runs)
    damage(path)
    content = path.read_bytes()
    start = time.perf_counter()
    [finding] = flats.errors()
    figure(24, f"{damage.__name__}: refused in {time.perf_counter() - start:.2f} s")
    assert finding.startswith(str(path))
    assert "Restore its last backup with `inspect restore FILE`, or move it away" in finding
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("case", "text", "message"),
    [
        ("an import", "import no_such_module\n", "there is no module 'no_such_module'"),
        ("a syntax error", "def broken(:\n", "this is not Python: "),
        ("a name", "from models import no_such_name\n", "models defines no 'no_such_name'"),
    ],
)
def test_user_code_that_does_not_import_is_rejected(flats, figure, monkeypatch, case, text, message):
    """Fault 25: file and line, before TensorFlow is started."""

    shutil.copytree(os.path.join(REPOSITORY, "models"), flats.root / "models")
    (flats.root / "mine.py").write_text(f"def preprocessing_fn(inputs):\n    return inputs\n\n\n{text}")
    flats.config(
        'preprocessing = "mine.preprocessing_fn"\n' + re.sub(r"(?s)\[features\].*(?=\[label\])", "", flats.CONFIG)
    )
    # Not by the clock: other processes may be busy.
    start = time.process_time()
    lines = flats.errors()
    seconds = time.process_time() - start
    figure(25, f"{case}: {seconds:.2f} s")
    assert seconds < 5
    assert any(f"mine.py, line 5: {message}" in line for line in lines), lines
