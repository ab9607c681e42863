import sqlite3

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError, UserError
from inspection.store import store_backup
from inspection.store.metadata_store import open_store

RUNS = 40


@pytest.fixture
def root(tmp_path):
    """A folder of runs whose store has runs, executions, artifacts and events."""
    root = tmp_path / "runs"
    root.mkdir()
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(root / "metadata.sqlite")
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = MetadataStore(config)
    run = store.put_context_type(pb.ContextType(name="pipeline_run"))
    kind = store.put_execution_type(pb.ExecutionType(name="trainer"))
    model = store.put_artifact_type(pb.ArtifactType(name="Model"))
    for number in range(RUNS):
        artifact = pb.Artifact(type_id=model, uri=f"/models/{number}")
        artifact.custom_properties["note"].string_value = "n" * 500
        event = pb.Event(type=pb.Event.OUTPUT)
        execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.COMPLETE)
        store.put_execution(execution, [(artifact, event)], [pb.Context(type_id=run, name=f"run-{number}")])
    return root


def rows(root):
    """Every row of every table."""
    with sqlite3.connect(root / "metadata.sqlite") as store:
        names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, store.execute(f"SELECT * FROM {name}"))) for name in names}


def zero(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def flip(path):
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 4, len(content), 97):
        content[place] ^= 0x55
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [zero, cut, flip])
def test_a_damaged_store_is_rejected_and_its_backup_restored(root, tmp_path, figure, damage):
    """Fault 24: 0 bytes, cut off, bits flipped."""
    original_rows = rows(root)
    store_backup.backup(str(root), None, str(tmp_path / "backup"))
    damage(root / "metadata.sqlite")
    for readonly in (True, False):
        with pytest.raises(ResourceError, match=r"metadata\.sqlite"):
            open_store(str(root), None, readonly=readonly)
    with pytest.raises(ResourceError, match=r"metadata\.sqlite"):
        store_backup.backup(str(root), None, str(tmp_path / "backup"))
    aside = store_backup.restore(str(root), None, str(tmp_path / "backup")).previous

    assert rows(root) == original_rows
    assert len(open_store(str(root), None).contexts("pipeline_run")) == RUNS
    assert aside.startswith(str(root / "metadata.sqlite.before-"))
    count = sum(map(len, original_rows.values()))
    figure(24, f"{damage.__name__}: refused; {sum(map(len, rows(root).values()))} of {count} rows restored")


def test_a_damaged_backup_replaces_nothing(root, tmp_path, figure):
    """Fault 24: the backup itself."""
    original_rows = rows(root)
    store_backup.backup(str(root), None, str(tmp_path / "backup"))
    flip(tmp_path / "backup")
    with pytest.raises(ResourceError, match="backup"):
        store_backup.restore(str(root), None, str(tmp_path / "backup"))
    with pytest.raises(UserError, match="does not exist: name a file that `inspect backup` wrote"):
        store_backup.restore(str(root), None, str(tmp_path / "none"))

    assert rows(root) == original_rows
    figure(24, "a damaged backup: refused, the store stays")


def test_a_backup_during_a_run_is_complete(root, tmp_path, figure):
    """Fault 24: a backup beside an open transaction of a reader."""
    store = open_store(str(root), None, readonly=False).mlmd
    context = pb.Context(type_id=store.get_context_type("pipeline_run").id, name="while")
    with sqlite3.connect(root / "metadata.sqlite", isolation_level=None) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT COUNT(*) FROM Context").fetchone()
        store_backup.backup(str(root), None, str(tmp_path / "backup"))
        connection.execute("COMMIT")
    store.put_contexts([context])
    store_backup.restore(str(root), None, str(tmp_path / "backup"))

    assert len(open_store(str(root), None).contexts("pipeline_run")) == RUNS
    figure(24, "a backup beside an open transaction is whole")


def test_the_error_for_postgresql_names_its_backup_tools(root):
    """Fault 24: a store in PostgreSQL."""
    url = "postgresql://u:secret@host/runs"
    with pytest.raises(
        UserError, match=r"u:\*\*\*@host/runs: back up and restore a store in PostgreSQL .* tools: pg_dump"
    ):
        store_backup.backup(str(root), url, "file")
    with pytest.raises(UserError, match=r"PostgreSQL.s tools: pg_restore"):
        store_backup.restore(str(root), url, "file")
