"""Commands on the rows of a query."""

import json
import sqlite3

import pytest

from .conftest import run_json, runner

SQL = "SELECT area, city, price FROM sales WHERE price > 30 ORDER BY area"


@pytest.fixture
def database(small_tree):
    """A connection to data/sales.db of a small tree, whose price is 1000 times the area and something by the city."""
    connection = sqlite3.connect(small_tree / "data/sales.db", isolation_level=None)
    connection.execute("CREATE TABLE sales (area INTEGER, city TEXT, price REAL)")
    rows = [(30 + row, ("Bern", "Chur")[row * 7 % 3 % 2], 1000.5 * row + 30) for row in range(600)]
    connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    yield connection
    connection.close()


def test_a_run_on_the_rows_of_a_query_is_cached_until_they_change(small_tree, database):
    root = ("--root", small_tree / "runs")
    source = ("--sql", SQL, "--database", f"sqlite:///{small_tree}/data/sales.db", "--label", "price")
    proposal = runner(*root, "new", "sales", *source, tree=small_tree)
    assert proposal.code == 0, proposal.err
    assert 'database = "sqlite:///data/sales.db"' in (small_tree / "configs/sales.toml").read_text()
    assert runner(*root, "schema", "diff", "sales", tree=small_tree).code == 0
    assert runner(*root, "doctor", "sales", tree=small_tree).code == 0
    [snapshot] = (small_tree / "runs/sales/queries").iterdir()

    run = ("--local", *root, "--pipeline", "sales", "--to", "statistics")
    first_run = runner(*run, tree=small_tree)
    assert first_run.code == 0, first_run.err
    assert run_json(first_run)["query"] | {"taken": None} == {
        "sql": SQL,
        "database": "sqlite:///data/sales.db",
        "path": str(snapshot),
        "rows": 599,
        "taken": None,
    }
    second_run = runner(*run, tree=small_tree)
    assert second_run.nodes["ingestion"] == "cached"
    database.execute("UPDATE sales SET price = price + 1 WHERE area = 40")
    changed = runner(*run, tree=small_tree)
    assert changed.nodes["ingestion"] == "done"
    assert len(list((small_tree / "runs/sales/queries").iterdir())) == 2

    listed = runner(*root, "inspect", "clean", "--json", tree=small_tree)
    assert [item for item in json.loads(listed.out)["found"] if item["kind"] == "query"] == []
