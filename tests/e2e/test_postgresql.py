"""ML Metadata and data on a PostgreSQL server that the test starts."""

import glob
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ml_metadata import MetadataStore

from components.query import snapshot
from components.query.query_rows import Query
from errors import ResourceError, UserError
from inspection.store.store_address import connection_config
from orchestration.local.stage_records import stage_outputs
from spec.settings import INLINE_BYTES

from .. import ports
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
    port = ports.unused()
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


def test_the_error_of_a_wrong_password_does_not_contain_it(small_tree, url):
    wrong = url.replace("canary", "wrong-canary")
    result = runner("--local", "--root", small_tree / "runs", "--metadata", wrong, tree=small_tree)
    assert result.code == 5
    assert "wrong-canary" not in result.err + result.out
    assert "password" in result.err


def test_cached_outputs_have_the_right_keys(small_tree, url):
    # The server gives artifacts in any order, from call to call; tests/orchestration/test_pairing.py has the other one.
    database = url.replace("/runs", "/pairs")
    options = ("--local", "--root", small_tree / "runs", *QUICK, "--to", "trainer")
    first_run = runner(*options, tree=small_tree, PIPELINE_METADATA=database)
    assert first_run.code == 0, first_run.err
    store = MetadataStore(connection_config("", database))
    second_run = runner(*options, "--set", "training.epochs=1", tree=small_tree, PIPELINE_METADATA=database)
    assert second_run.code == 0, second_run.err
    assert second_run.nodes["transformation"] == "cached"
    assert second_run.nodes["trainer"] == "done"
    executions = [execution.id for execution in store.get_executions()]
    assert stage_outputs.swapped(store, executions) == set()


@pytest.fixture
def sales(url, monkeypatch):
    """The address of a database with a table of sales; user and password are in the environment."""
    server = url.rpartition("@")[2].partition("/")[0]
    monkeypatch.setenv("PGUSER", "owner")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    address = f"postgresql://{server}/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS sales")
        connection.execute(
            "CREATE TABLE sales AS SELECT g AS area, CASE g % 3 WHEN 0 THEN 'Bern' ELSE 'Chur' END AS city, "
            "(g * 1000.5)::numeric(12, 2) AS price, gen_random_uuid() AS name, DATE '2026-01-01' + g AS sold, "
            "TIMESTAMPTZ '2026-01-01 12:00:00+02' AS seen, g % 2 = 0 AS new FROM generate_series(1, 600) g"
        )
    return address


@pytest.fixture
def ask(sales, tmp_path):
    """Take the rows of a query."""

    def run(sql, seconds=60.0, address=sales):
        return snapshot.take(Query(sql, address, seconds), "", str(tmp_path / "queries"))

    return run


def test_a_run_on_the_rows_of_a_query(small_tree, sales):
    root, sql = ("--root", small_tree / "runs"), "SELECT area, city, price FROM sales ORDER BY area"
    proposal = runner(
        *(*root, "new", "sales", "--sql", sql, "--database", sales, "--label", "price"),
        tree=small_tree,
        PGUSER="owner",
        PGPASSWORD=PASSWORD,
    )
    assert proposal.code == 0, proposal.err
    run = ("--local", *root, "--pipeline", "sales", "--to", "statistics")
    first_run, second_run = (runner(*run, tree=small_tree, PGUSER="owner", PGPASSWORD=PASSWORD) for _ in range(2))
    assert first_run.code == 0, first_run.err
    assert second_run.nodes["ingestion"] == "cached"
    assert run_json(first_run)["query"]["rows"] == 600
    for path in small_tree.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in first_run.out + first_run.err + proposal.out + proposal.err


def test_values_of_a_server_have_their_types(ask):
    table = pq.read_table(ask("SELECT *, NULL::integer AS nothing FROM sales ORDER BY area").path)
    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == {
        "area": pa.int64(),
        "city": pa.string(),
        "price": pa.float64(),
        "name": pa.string(),
        "sold": pa.date32(),
        "seen": pa.timestamp("us", "UTC"),
        "new": pa.bool_(),
        "nothing": pa.string(),
    }
    row = table.slice(1, 1).to_pylist()[0]
    assert (row["area"], row["city"], row["price"], str(row["sold"]), row["new"]) == (
        2,
        "Chur",
        2001.0,
        "2026-01-03",
        True,
    )
    assert row["seen"].isoformat() == "2026-01-01T10:00:00+00:00"
    assert pq.read_table(ask("SELECT '%' AS a, '%s' AS b, 3::numeric AS c").path).to_pylist() == [
        {"a": "%", "b": "%s", "c": 3}
    ]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 AS a; DROP TABLE sales", "rejects the query"),
        ("SELECT 1 AS a; COMMIT; DROP TABLE sales", "rejects the query"),
        ("DROP TABLE sales", "rejects the query"),
        ("DELETE FROM sales RETURNING area", "rejects the query"),
        ("WITH gone AS (DELETE FROM sales RETURNING area) SELECT * FROM gone", "rejects the query"),
        ("SELECT nextval('numbers') AS a", "rejects the query: cannot execute nextval.* in a read-only transaction"),
        ("SELECT nothing FROM sales", "rejects the query: .*nothing"),
        ("SELECT ARRAY[1] AS a", r"column 'a', row 1 is of type list.*CAST\(a AS TEXT\)"),
        ("SELECT 'infinity'::timestamp AS a", r"rejects the query: .*CAST\(\.\.\. AS TEXT\) reads it as text"),
        ("SELECT 12345678901234567890::numeric AS a", r"column 'a', row 1 is an integer beyond 2\^53"),
    ],
)
def test_only_a_single_read_only_select_is_executed(ask, sales, sql, message):
    with psycopg.connect(sales, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
        with pytest.raises(UserError, match=rf"^data\.sql: .*{message}"):
            ask(sql)
        assert connection.execute("SELECT count(*) FROM sales").fetchone() == (600,)


def test_timeouts_of_query_and_connection_are_errors(ask, sales, monkeypatch):
    with pytest.raises(UserError, match=r"took longer than data\.query_seconds = 0\.1: "):
        ask("SELECT pg_sleep(60)::text AS a", seconds=0.1)
    with pytest.raises(ResourceError, match=r"postgresql://127\.0\.0\.1:1/x cannot be opened"):
        ask("SELECT 1 AS a", address="postgresql://127.0.0.1:1/x")
    monkeypatch.setenv("PGPASSWORD", "wrong-canary")
    with pytest.raises(ResourceError, match=r"cannot be opened: .*PGPASSWORD") as raised:
        ask("SELECT 1 AS a")
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_the_error_of_a_missing_driver_names_the_command_that_installs_it(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ResourceError, match=r"package psycopg.*`make set-up`.*group `sql`"):
        ask("SELECT 1 AS a")
