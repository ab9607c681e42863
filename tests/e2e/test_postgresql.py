"""ML Metadata on a real PostgreSQL server, started here."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.address import connection_config
from models.settings import INLINE_BYTES
from orchestration import outputs

from .conftest import QUICK, run_json, runner

PASSWORD = "canary p@ss/word"
BINARIES = sorted(glob.glob("/usr/lib/postgresql/*/bin"))


def as_server(*command):
    """PostgreSQL refuses root, so there it is run as the user of Debian's package."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    return subprocess.run([*prefix, *map(str, command)], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    if not BINARIES:
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    folder = Path("/tmp") / f"pipeline-postgresql-{os.getpid()}"
    folder.mkdir()
    (folder / "password").write_text(PASSWORD)
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        for path in (folder, folder / "password"):
            os.chown(path, user.pw_uid, user.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    binaries = Path(BINARIES[-1])
    as_server(
        binaries / "initdb", "-D", folder / "data", "-U", "owner", "--auth=scram-sha-256", f"--pwfile={folder}/password"
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    as_server(binaries / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "-o", options, "start")
    yield f"postgresql://owner:canary%20p%40ss%2Fword@127.0.0.1:{port}/runs"
    as_server(binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_a_whole_run_with_a_long_config(small_tree, url):
    # A list of edges long past what PostgreSQL's index takes in one string.
    edges = ", ".join(f"{number}.123456789" for number in range(1000))
    result = runner(
        "--local",
        "--root",
        small_tree / "runs",
        *QUICK,
        "--set",
        f"features.bucketized=[{{column='sqft_living', edges=[{edges}]}}, {{column='lat', quantiles=20}}]",
        tree=small_tree,
        PIPELINE_METADATA=url,
    )
    assert result.code == 0, result.err
    assert not (small_tree / "runs" / "metadata.sqlite").exists()
    settings = [path.read_text() for path in (small_tree / "runs/houses/settings").iterdir()]
    long = [text for text in settings if "999.123456789" in text]
    assert len(long) >= 2, "those of transformation and trainer"
    assert all(len(text) > 10_000 for text in long)
    assert all("\\" in text or len(text) > INLINE_BYTES for text in settings), "else they would travel in line"
    listed = runner("inspect", "runs", tree=small_tree, PIPELINE_METADATA=url)
    assert run_json(result)["run_id"] in listed.out
    assert "COMPLETE" in listed.out

    for path in (small_tree / "runs").rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
            assert b"p%40ss" not in path.read_bytes(), path
    assert "p@ss" not in result.out + result.err


def test_a_wrong_password_is_said_without_it(small_tree, url):
    wrong = url.replace("canary", "wrong-canary")
    result = runner("--local", "--root", small_tree / "runs", "--metadata", wrong, tree=small_tree)
    assert result.code == 5
    assert "wrong-canary" not in result.err + result.out
    assert "password" in result.err


def test_outputs_from_the_cache_are_those_of_their_keys(small_tree, url):
    own = url.replace("/runs", "/pairs")
    given = ("--local", "--root", small_tree / "runs", *QUICK, "--to", "trainer")
    first = runner(*given, tree=small_tree, PIPELINE_METADATA=own)
    assert first.code == 0, first.err
    store = MetadataStore(connection_config("", own))
    node = store.get_context_by_type_and_name("node", "houses.transformation")
    [execution] = store.get_executions_by_context(node.id)
    events = store.get_events_by_execution_ids([execution.id])
    made = [event.artifact_id for event in events if event.type == pb.Event.OUTPUT]
    # An update moves a row to the end of its table.
    [moved] = store.get_artifacts_by_id(made[:1])
    moved.custom_properties["moved"].int_value = 1
    store.put_artifacts([moved])
    assert [one.id for one in store.get_artifacts_by_id(made)] == made[::-1], "TFX relies on the order of its events"

    second = runner(*given, "--set", "training.epochs=1", tree=small_tree, PIPELINE_METADATA=own)
    assert second.code == 0, second.err
    assert second.nodes["transformation"] == "cached"
    assert second.nodes["trainer"] == "done"
    executions = [one.id for one in store.get_executions()]
    assert outputs.swapped(store, executions) == set()
