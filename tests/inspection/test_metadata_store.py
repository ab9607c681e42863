"""Opening a store, and its errors; one file because all tests are of one function."""

import contextlib
import gc
import json
import logging
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ml_metadata import MetadataStore
from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError, UserError
from inspection.store import metadata_store
from inspection.store.metadata_store import connection_config, open_store, properties, redact


def test_the_default_is_sqlite_under_the_root(tmp_path: Path) -> None:
    config = connection_config(str(tmp_path), None)
    assert config.sqlite.filename_uri == str(tmp_path / "metadata.sqlite")
    assert config.sqlite.connection_mode == pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE


def test_a_store_that_is_no_longer_used_is_closed_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "metadata.sqlite")
    MetadataStore(connection_config(str(tmp_path), None)).get_contexts()

    def open_files() -> list[str]:
        names = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        return list(map(os.path.realpath, names))

    gc.disable()
    try:
        store = open_store(str(tmp_path), None)
        assert store.context("pipeline", "houses") is None
        assert path in open_files()
        del store
        assert path not in open_files()
    finally:
        gc.enable()


def test_an_sqlite_url_is_relative_unless_a_fourth_slash_begins_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert connection_config("x", "sqlite:///a/b.sqlite").sqlite.filename_uri == str(tmp_path / "a/b.sqlite")
    assert connection_config("x", "sqlite:////a/b.sqlite").sqlite.filename_uri == "/a/b.sqlite"


def test_a_postgresql_url_is_taken_apart_and_decoded() -> None:
    server = connection_config("x", "postgresql://an%40na:p%2Fw%3A%23%3Fd@db.example:6432/meta_data").postgresql
    assert (server.host, server.port, server.user) == ("db.example", "6432", "an@na")
    assert (server.password, server.dbname) == ("p/w:#?d", "meta_data")


def test_postgresql_parts_that_are_left_out_have_defaults() -> None:
    server = connection_config("x", "postgresql://[::1]/meta?sslmode=require&sslrootcert=/c/ca.pem").postgresql
    assert (server.host, server.port) == ("::1", "5432")
    assert connection_config("x", "postgresql://%2Fvar%2Frun/meta").postgresql.host == "/var/run"
    assert not server.HasField("user")
    assert not server.HasField("password")
    assert (server.ssloption.sslmode, server.ssloption.sslrootcert) == ("require", "/c/ca.pem")


@pytest.mark.parametrize(
    ("encoded", "quoted"),
    [("two%20words", "'two words'"), ("it%27s", r"'it\'s'"), (r"back%5Cslash", r"'back\\slash'"), ("plain", "plain")],
)
def test_a_password_reaches_libpq_as_one_value(encoded: str, quoted: str) -> None:
    assert connection_config("x", f"postgresql://u:{encoded}@h/d").postgresql.password == quoted


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("mysql://u:s3cret@h/db", r"has an unknown form.*sqlite:///PATH.*postgresql://USER"),
        ("metadata.sqlite", r"has an unknown form.*sqlite:///PATH.*postgresql://USER"),
        ("u:s3cret@h/db", "has an unknown form"),
        ("sqlite://a/b", "has an unknown form"),
        ("sqlite:///", "has an unknown form"),
        ("postgresql://u:s3cret@h", "lacks the database"),
        ("postgresql://u:s3cret@h/", "lacks the database"),
        ("postgresql://u:s3cret@/db", "lacks the host"),
        ("postgresql://u:s3cret@h:port/db", "is invalid"),
        ("postgresql://u:s3cret/s3cret@h/db", "percent-encoded"),
        ("postgresql://u:1/s3cret@h/db", "percent-encoded"),
        ("postgresql://u:s3cret#s3cret@h/db", "percent-encoded"),
        ("postgresql://u:s3cret?s3cret@h/db", "percent-encoded"),
        ("postgresql://u:[s3cret@h/db", "percent-encoded"),
        ("postgresql://u:s3cret@h/db');DROP", "letters, digits"),
        ("postgresql://u@h/db?password=s3cret", "unknown option.*sslmode"),
        ("postgresql://u:s3cret", r"u:\*\*\*"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        connection_config("x", url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_root_on_a_cloud_needs_a_metadata_url() -> None:
    with pytest.raises(UserError, match=r"gs://b/runs is not on this machine's disk, so --metadata URL is required"):
        connection_config("gs://b/runs", None)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("postgresql://u:s3cret@h:1/db", "postgresql://u:***@h:1/db"),
        ("postgresql://u@h:1/db", "postgresql://u@h:1/db"),
        ("postgresql://h:1/db", "postgresql://h:1/db"),
        ("postgresql://[::1]:1/db", "postgresql://[::1]:1/db"),
        ("sqlite:///runs/metadata.sqlite", "sqlite:///runs/metadata.sqlite"),
        ("u:s3cret@h/db", "u:***@h/db"),
        ("postgresql://h/db?user=u&password=s3cret&x=1", "postgresql://h/db?user=u&password=***&x=1"),
    ],
)
def test_redact_keeps_all_but_the_password(url: str, redacted: str) -> None:
    assert redact(url) == redacted


@example(scheme="postgresql://", user="u/v", middle="@#?/:[]", host="h")
@given(
    scheme=st.sampled_from(["postgresql://", "mysql://", "", "nonsense:"]),
    user=st.text("uv/._-", max_size=4),
    middle=st.text(max_size=8),
    host=st.sampled_from(["h", "h:5432", "[::1]", "h/db?a=b@c"]),
)
def test_no_password_survives_redact(scheme: str, user: str, middle: str, host: str) -> None:
    assert "s3c" not in redact(f"{scheme}{user}:s3c{middle}s3c@{host}/db")


def test_the_error_of_a_missing_store_names_the_command_that_creates_one(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=rf"^no runs yet under {re.escape(str(tmp_path))}: start one with python runner"
    ):
        open_store(str(tmp_path), None)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_of_a_url_is_named_in_full(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=re.escape(f"no runs yet in {tmp_path / 'none.sqlite'}")):
        open_store("x", f"sqlite:///{tmp_path}/none.sqlite")


def test_a_store_is_opened_to_read_only(writer: Any, tmp_path: Path) -> None:
    writer.run("one")
    opened = open_store(str(tmp_path), None)
    assert [context.name for context in opened.contexts("pipeline_run")] == ["one"]
    with pytest.raises(mlmd_errors.InternalError, match="readonly"):
        opened.mlmd.put_context_type(pb.ContextType(name="new"))


def test_a_writer_may_create_the_store(tmp_path: Path) -> None:
    opened = open_store(str(tmp_path), None, readonly=False)
    opened.mlmd.put_context_type(pb.ContextType(name="new"))
    assert [kind.name for kind in opened.mlmd.get_context_types()] == ["new"]


def test_a_path_with_odd_characters_is_taken_literally(make_writer: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "odd %20?x=1#'y.sqlite"
    make_writer(path).run("one")
    assert open_store("x", f"sqlite:///{path}").context("pipeline_run", "one") is not None


@pytest.mark.parametrize("readonly", [True, False])
def test_a_file_of_zero_bytes_is_refused(tmp_path: Path, readonly: bool) -> None:
    (tmp_path / "metadata.sqlite").touch()
    with pytest.raises(ResourceError, match=r"metadata\.sqlite is empty \(0 bytes\)"):
        open_store(str(tmp_path), None, readonly=readonly)
    assert (tmp_path / "metadata.sqlite").stat().st_size == 0


def test_a_store_that_is_just_being_made_is_waited_for(
    writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "metadata.sqlite"
    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr(metadata_store.time, "sleep", lambda seconds: shutil.copy(tmp_path / "metadata.sqlite", path))
    assert open_store(str(path.parent), None).contexts("pipeline_run") == []


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 4])


def _overwritten(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def _one_page(path: Path) -> None:
    """Damage an index that MLMD does not read when it opens a store."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        name = "sqlite_autoindex_ContextProperty_1"
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(content)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _of_another_program(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


@pytest.mark.parametrize("readonly", [True, False])
@pytest.mark.parametrize("damage", [_garbage, _truncated, _overwritten, _one_page, _folder, _of_another_program])
def test_a_damaged_store_is_a_resource_error(
    writer: Any, tmp_path: Path, damage: Callable[[Path], None], readonly: bool
) -> None:
    path = tmp_path / "metadata.sqlite"
    damage(path)
    with pytest.raises(ResourceError, match=re.escape(str(path))):
        open_store(str(tmp_path), None, readonly=readonly)


def test_damage_that_only_a_query_meets_is_a_resource_error_too(writer: Any, tmp_path: Path) -> None:
    run = writer.run("one")
    run.node("ingestion", outputs=[("examples", "Examples")])
    opened = open_store(str(tmp_path), None)
    with contextlib.closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as connection:
        connection.execute("DROP TABLE Event")
    with pytest.raises(ResourceError, match=r"metadata\.sqlite: .*get_events_by_execution_ids.*no such table"):
        opened.events_of_executions([1])


def test_a_lock_is_waited_for_and_then_named(writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_store, "_LOCKED_SECONDS", 0.1)
    with contextlib.closing(sqlite3.connect(tmp_path / "metadata.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        begin = time.monotonic()
        with pytest.raises(ResourceError, match=r"locked by another process for 0\.1 s"):
            open_store(str(tmp_path), None)
    assert time.monotonic() - begin >= 0.1


def test_what_a_killed_writer_left_half_written_is_rolled_back(writer: Any, tmp_path: Path) -> None:
    writer.run("one")
    path = tmp_path / "metadata.sqlite"
    code = f"""
import os, signal, sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # spills the unfinished transaction into the file
connection.execute("BEGIN IMMEDIATE")
for i in range(2000):
    connection.execute("INSERT INTO Type (name, type_kind) VALUES (?, 1)", (f"half written {{i}}" + "x" * 200,))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert (tmp_path / "metadata.sqlite-journal").stat().st_size > 0
    opened = open_store(str(tmp_path), None)
    assert [context.name for context in opened.contexts("pipeline_run")] == ["one"]
    assert not [kind for kind in opened.mlmd.get_artifact_types() if "half" in kind.name]


@contextlib.contextmanager
def _port(*, listening: bool) -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen(5)
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("listening", "reason"), [(False, "Connection refused|could not connect|failed"), (True, "timeout expired")]
)
def test_an_absent_or_silent_postgresql_is_a_resource_error_in_time(
    listening: bool, reason: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    with _port(listening=listening) as port, pytest.raises(ResourceError, match=reason) as caught:
        open_store("x", f"postgresql://anna:s3cret%20pw@127.0.0.1:{port}/meta")
    assert f"postgresql://anna:***@127.0.0.1:{port}/meta" in str(caught.value)
    error: BaseException | None = caught.value
    assert error.__context__ is None
    output = capfd.readouterr()
    for text in (str(error), output.out, output.err):
        assert "s3cret" not in text
        assert "pw" not in text
    assert output.err == ""
    assert "PGCONNECT_TIMEOUT" not in os.environ


@pytest.mark.parametrize("encoded", ["s3cret", "s3c%20ret", "s3c%27ret"])
@pytest.mark.parametrize("message", ["password", "decoded"])
def test_a_reason_that_holds_the_password_is_withheld(
    encoded: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(config: pb.ConnectionConfig) -> None:
        secret = config.postgresql.password if message == "password" else urllib.parse.unquote(encoded)
        raise RuntimeError(f"cannot connect with {secret}")

    monkeypatch.setattr(metadata_store, "MetadataStore", refuse)
    with pytest.raises(ResourceError, match="message contains the password and is not shown") as caught:
        open_store("x", f"postgresql://anna:{encoded}@h/meta")
    assert "s3c" not in str(caught.value)


@pytest.mark.parametrize("readonly", [True, False])
def test_a_reader_creates_no_database_and_a_debug_log_holds_no_password(
    readonly: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[pb.ConnectionConfig] = []

    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")

    def connect(config: pb.ConnectionConfig) -> None:
        assert os.environ["PGCONNECT_TIMEOUT"] == "7", "the user's own limit goes first"
        logging.getLogger("absl").debug("ConnectionConfig: %s", config)  # as MetadataStore.__init__ does
        opened.append(config)

    monkeypatch.setattr(metadata_store, "MetadataStore", connect)
    with caplog.at_level(logging.DEBUG, logger="absl"):
        open_store("x", "postgresql://anna:s3cret@h/meta", readonly=readonly)
        logging.getLogger("absl").debug("said later: ConnectionConfig")
    assert opened[0].postgresql.skip_db_creation is readonly
    assert os.environ["PGCONNECT_TIMEOUT"] == "7"
    assert caplog.messages == ["said later: ConnectionConfig"]


def test_properties_are_plain_values() -> None:
    context = pb.Context()
    context.properties["int"].int_value = 3
    context.properties["float"].double_value = 0.5
    context.custom_properties["text"].string_value = "t"
    context.custom_properties["flag"].bool_value = True
    context.custom_properties["struct"].struct_value.update({"a": [1, "b", None]})
    context.custom_properties["proto"].proto_value.type_url = "type.googleapis.com/x.Y"
    context.custom_properties["unset"].SetInParent()
    assert json.loads(json.dumps(properties(context))) == {
        "int": 3,
        "float": 0.5,
        "text": "t",
        "flag": True,
        "struct": {"a": [1.0, "b", None]},
        "proto": {"@type": "type.googleapis.com/x.Y"},
        "unset": None,
    }
