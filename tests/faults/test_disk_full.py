import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError
from inspection.store.metadata_store import open_store
from orchestration import rollback
from serving import versions

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def disk(tmp_path):
    """Make a small disk: a function that mounts one of so many megabytes, or gives it another size."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def size(megabytes):
        options = f"size={megabytes}m"
        if mounted:
            subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
        else:
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
            mounted.append(folder)
        return folder

    yield size
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def model(tmp_path):
    """A model of 400 kB, on another disk than it is pushed to."""
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(os.urandom(100_000))
    (folder / "variables" / "variables.data").write_bytes(os.urandom(300_000))
    return str(folder)


def test_a_push_to_a_full_disk_keeps_the_serving_version_and_succeeds_with_free_space(disk, model, figure):
    """Fault 22: the serving folder's disk is full, a disk of its own."""
    serving = disk(1) / "runs" / "houses" / "serving"
    root, failed = str(serving.parents[1]), 0
    for _ in range(2):
        versions.place(model, str(serving), check=lambda _: None)
    numbers = versions.pushed(str(serving))
    with pytest.raises(OSError, match="No space left on device"):
        versions.place(model, str(serving), check=lambda _: None)
    failed += 1
    with pytest.raises(
        PipelineError, match=rf"could not be copied: No space left on device. Version {numbers[-1]} still serves"
    ):
        rollback.bring_back(root, "houses", metadata=None)
    failed += 1

    assert versions.pushed(str(serving)) == numbers
    assert sorted(os.listdir(serving)) == [".lock", ".pushed", *map(str, numbers)]
    for number in numbers:
        assert versions.read(str(serving), number).digest == versions.digest(str(serving / str(number)))
    disk(4)
    version = versions.place(model, str(serving), check=lambda _: None)
    assert version > numbers[-1]
    figure(22, f"{failed} pushes to a full disk: the served version stays, 0 bytes left over; with room it is pushed")


def test_the_error_of_a_store_on_a_full_disk_names_it_and_the_run_resumes_with_free_space(disk, figure):
    """Fault 22: the metadata store's disk is full."""
    folder = disk(1)
    store = open_store(str(folder), None, readonly=False).mlmd
    kind = store.put_context_type(pb.ContextType(name="pipeline_run"))
    store.put_contexts([pb.Context(type_id=kind, name="before")])
    with open(folder / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"0" * 4096)

    def write():
        for number in range(200):
            store.put_contexts([pb.Context(type_id=kind, name=f"run {number} {'x' * 2000}")])

    with pytest.raises(mlmd_errors.StatusError, match="full"):
        write()
    (folder / "filler").unlink()
    run_ids = [context.name for context in open_store(str(folder), None).contexts("pipeline_run")]
    assert "before" in run_ids
    # ML Metadata's connection is of no use after that; a run's next attempt is another process.
    store = open_store(str(folder), None, readonly=False).mlmd
    store.put_contexts([pb.Context(type_id=kind, name="after")])
    assert "after" in [context.name for context in open_store(str(folder), None).contexts("pipeline_run")]
    figure(22, "the store's disk full: the write is refused, no row is lost, and it goes on with room")


def _trains(events):
    return events.exists() and any(
        (event := json.loads(line))["event"] == "node" and event["node"] == "trainer"
        for line in events.read_text().splitlines()
    )


@pytest.mark.slow
def test_a_run_on_a_full_disk_fails_cleanly_and_resumes_with_free_space(disk, figure):
    """Fault 22: the disk of a whole run fills up within a stage; the same command resumes."""
    root = disk(200)
    command = [sys.executable, str(REPOSITORY / "runner.py"), "--local", "--root", str(root), "--sample", "1500"]
    command += ["--set", "training.epochs=2"]
    completed = subprocess.run(command, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    serving = root / "houses-sample" / "serving"
    [version] = versions.pushed(str(serving))
    # The disk is filled once the next run trains: what it may take was there when it began.
    second_command = [*command, "--set", "training.seed=2", "--set", "network.layers=[512,512]"]
    runs = root / "houses-sample" / "runs"
    earlier = set(runs.iterdir())
    process = subprocess.Popen(second_command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        new_runs = set(runs.iterdir()) - earlier
        if any(_trains(run / "events.jsonl") for run in new_runs):
            break
        time.sleep(0.05)
    with open(root / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"0" * 4096)
    out, err = process.communicate(timeout=300)
    assert process.returncode in (4, 5), out + err
    assert "Traceback" not in err
    assert versions.pushed(str(serving)) == [version]
    (root / "filler").unlink()
    completed = subprocess.run(second_command, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert versions.pushed(str(serving))[-1] > version
    states = [json.loads(path.read_text())["state"] for path in sorted(root.glob("houses-sample/runs/*/run.json"))]
    error_line = next(line for line in err.splitlines() if line.startswith("error: "))
    error_line = error_line.removeprefix("error: ").replace(f"{root}/", "")
    assert "space" in error_line or "room" in error_line, err
    figure(22, f"a run on a full disk: {error_line[:120]}; with room it ends {states[-1]}")
