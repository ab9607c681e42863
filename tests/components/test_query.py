"""Rows of a query as a Parquet file: what is in it, what is refused, and where it is."""

import os
import sqlite3

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.query import snapshot, sqlite_query
from components.query.column_types import EXACT
from components.query.query_rows import Query
from errors import ResourceError, UserError
from spec.addresses import database_address


@pytest.fixture
def database(tmp_path):
    """A connection to tmp_path/x.db."""
    connection = sqlite3.connect(tmp_path / "x.db")
    yield connection
    connection.close()


@pytest.fixture
def take(tmp_path, database):
    """Takes the rows of a query of x.db."""

    def run(sql, seconds=60.0):
        database.commit()
        return snapshot.take(Query(sql, "sqlite:///x.db", seconds), str(tmp_path), str(tmp_path / "queries"))

    return run


def table(snapshot_file):
    return pq.read_table(snapshot_file.path)


def test_rows_come_typed_by_their_values_in_the_order_of_the_query(take, database):
    database.execute("create table t (a, b, c, d, e)")
    rows = [(2, 0.5, "x", b"\0", None), (1, 2, None, None, None), (None, None, "y", b"\1", None)]
    database.executemany("insert into t values (?, ?, ?, ?, ?)", rows)
    snapshot_file = take("select * from t order by a desc")
    cells = table(snapshot_file)

    assert cells.schema.types == [pa.int64(), pa.float64(), pa.string(), pa.binary(), pa.string()]
    assert [tuple(row.values()) for row in cells.to_pylist()] == [
        (2, 0.5, "x", b"\0", None),
        (1, 2.0, *[None] * 3),
        rows[2],
    ]
    assert snapshot_file.rows == 3
    assert snapshot_file.plain() | {"taken": ""} == {
        "sql": "select * from t order by a desc",
        "database": "sqlite:///x.db",
        "path": snapshot_file.path,
        "rows": 3,
        "taken": "",
    }


def test_equal_rows_are_one_file_and_others_another(take, database, tmp_path):
    database.execute("create table t as select 1 a union select 2")
    first_snapshot = take("select a from t order by a")
    assert take("select a from t order by a + 1").path == first_snapshot.path
    database.execute("update t set a = 3 where a = 2")
    updated_snapshot = take("select a from t order by a")
    assert updated_snapshot.path != first_snapshot.path
    assert sorted(os.listdir(tmp_path / "queries")) == sorted(
        map(os.path.basename, (first_snapshot.path, updated_snapshot.path))
    )


def test_a_type_that_a_later_batch_widens_holds_in_all(take, database, monkeypatch):
    monkeypatch.setattr(snapshot, "BATCH_CELLS", 50)
    database.execute("create table t (a, b)")
    database.executemany("insert into t values (?, ?)", [(row, None if row < 250 else "x") for row in range(300)])
    database.execute("insert into t values (0.5, null)")
    rows = table(take("select a, b from t order by rowid"))
    assert rows["a"].to_pylist() == [*map(float, range(300)), 0.5]
    assert rows["b"].to_pylist() == [None] * 250 + ["x"] * 50 + [None]


def test_long_cells_are_fetched_a_few_at_a_time(monkeypatch):
    counts = []

    def fetch(count):
        counts.append(count)
        return [(b"x" * 1000,)] * count if len(counts) < 4 else []

    monkeypatch.setattr(snapshot, "STEP_BYTES", 10_000)
    monkeypatch.setattr(snapshot, "BATCH_BYTES", 100_000)
    query = Query("", "", 60)
    batches = list(snapshot._batches(snapshot.Result(["a"], fetch), snapshot.Deadline(query)))
    assert counts == [100, 10, 10, 10]
    assert [len(batch) for batch in batches] == [110, 10]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("'n/a'", r"column 'a', row 4 holds a text, 'n/a', and row 2 holds an integer: .*CAST\(a AS REAL\).*NULLIF"),
        ("x'00'", r"column 'a', row 4 holds bytes"),
    ],
)
def test_a_column_of_several_types_is_named_with_its_rows(take, database, cell, message):
    database.execute(f"create table t as select null a union all select 1 union all select 2 union all select {cell}")
    with pytest.raises(UserError, match=message):
        take("select a from t")


@pytest.mark.parametrize("integer", [EXACT + 1, -EXACT - 1])
def test_a_whole_number_that_no_fraction_holds_is_named(take, database, integer, monkeypatch):
    monkeypatch.setattr(snapshot, "BATCH_CELLS", 1)
    monkeypatch.setattr(snapshot, "FIRST_ROWS", 1)
    for values in ([(integer,), (0.5,)], [(0.5,), (integer,)]):
        database.execute("create table t (a)")
        database.executemany("insert into t values (?)", values)
        place = values.index((integer,)) + 1
        with pytest.raises(UserError, match=rf"column 'a', row {place} is an integer beyond 2\^53 .*AS TEXT"):
            take("select a from t order by rowid")
        database.execute("drop table t")


def test_whole_numbers_of_64_bits_stay_exact(take):
    assert table(take("select 9223372036854775807 a"))["a"].to_pylist() == [2**63 - 1]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1; drop table t", "rejects the query"),
        ("drop table t", "rejects the query"),
        ("delete from t returning a", "rejects the query"),
        ("attach 'other.db' as other", "rejects the query"),
        ("pragma query_only = off", "rejects the query"),
        ("selekt", "rejects the query"),
        ("-- nothing", "rejects the query: it returns no rows"),
        ("select a from t where a < 0", "returns no rows"),
        ("select a, a from t", "two columns named 'a': rename one with AS"),
    ],
)
def test_what_is_no_one_select_with_rows_is_refused_and_changes_nothing(
    take, database, tmp_path, monkeypatch, sql, message
):
    monkeypatch.chdir(tmp_path)
    database.execute("create table t as select 1 a")
    with pytest.raises(UserError, match=rf"^data\.sql: .*{message}"):
        take(sql)
    assert database.execute("select a from t").fetchall() == [(1,)]
    assert not (tmp_path / "other.db").exists()
    assert os.listdir(tmp_path / "queries") == []


def test_a_query_that_takes_too_long_is_stopped(take):
    endless = "with recursive r(a) as (select 1 union all select a + 1 from r) select sum(a) a from r"
    with pytest.raises(UserError, match=r"took longer than data\.query_seconds = 0\.05: "):
        take(endless, seconds=0.05)
    with pytest.raises(UserError, match=r"took longer than data\.query_seconds = 0\.05: "):
        take(endless.replace("sum(a) a", "a"), seconds=0.05)


def test_a_file_that_is_not_there_or_no_database(take, tmp_path):
    (tmp_path / "text.db").write_text("a,b\n" * 500)
    for name, message in (("none.db", r"there is no file \S*none\.db"), ("text.db", "rejects the query")):
        with pytest.raises(UserError, match=message):
            snapshot.take(Query("select a from t", f"sqlite:///{name}", 60), str(tmp_path), str(tmp_path / "queries"))
    assert not (tmp_path / "none.db").exists()


def test_a_database_that_is_locked_is_waited_for_and_named(take, database, monkeypatch):
    monkeypatch.setattr(sqlite_query, "LOCKED_SECONDS", 0.01)
    database.execute("create table t as select 1 a")
    database.commit()
    database.execute("begin exclusive")
    query, root = Query("select a from t", "sqlite:///x.db", 60), os.path.dirname(_file(database))
    with pytest.raises(ResourceError, match=r"x\.db is locked by a program that writes to it"):
        snapshot.take(query, root, os.path.join(root, "queries"))


def _file(database):
    return database.execute("pragma database_list").fetchone()[2]


@pytest.mark.parametrize(
    "good", ["sqlite:///a.db", "sqlite:////tmp/a.db", "postgresql://host/db", "postgres://host:5433/db?sslmode=require"]
)
def test_addresses(good):
    database_address.check(good)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("postgresql://me:canary@host/db", "user and password are read from the environment"),
        ("postgresql://canary@host/db", "user and password are read from the environment"),
        ("postgresql://host/db?password=canary", "user and password are read from the environment"),
        ("postgresql://host/db?sslpassword=1&user=canary", "user and password are read from the environment"),
        ("postgresql:///db", "name host and database"),
        ("postgresql://host", "name host and database"),
        ("sqlite:///", "name the database's file"),
        ("mysql://canary/db", "expected"),
        ("canary.db", "expected"),
    ],
)
def test_an_address_with_credentials_or_of_another_kind_is_refused_without_being_shown(bad, message):
    with pytest.raises(ValueError, match=message) as raised:
        database_address.check(bad)
    assert "canary" not in str(raised.value)
