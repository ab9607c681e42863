"""Configs with a query: run, doctor, schema diff and new."""

import json
import os
import sqlite3
from typing import Any

import pytest

from curation import new_config, schema_review
from curation.look import query_result
from curation.look.reading import cells
from errors import UserError
from orchestration import preflight
from orchestration.cloud import compiler
from orchestration.paths import Root
from orchestration.schedule import unchanged_inputs
from pipeline import load, query_config
from pipeline.variants import Name
from spec.data import Data

SQL = "select area, city, rent from flats where rent > 0 order by rowid"
SOURCE = f'sql = "{SQL}"\ndatabase = "sqlite:///data/x.db"'


@pytest.fixture
def database(flats):
    """A connection to data/x.db of a repository whose config asks it."""
    flats.config(flats.CONFIG.replace('path = "data/flats.csv"', SOURCE))
    connection = sqlite3.connect(flats.root / "data/x.db", isolation_level=None)
    connection.execute("create table flats (area real, city text, rent integer)")
    rows = [(40.5 + row, ("Bern", "Chur")[row % 2], 900 + row * 7 % 41) for row in range(40)]
    connection.executemany("insert into flats values (?, ?, ?)", rows)
    yield connection
    connection.close()


def look(flats, **more):
    return preflight.look(Name("flats"), root=str(flats.runs), data_root=str(flats.root), **more)


def test_preflight_runs_the_query_and_reads_the_rows_by_path(flats, database):
    report = look(flats)
    assert [line for check in report.checks for line in check.lines()] == []
    assert [check.text for check in report.checks if check.name == "query"] == ["40 rows"]
    reviewed = report.settle()
    assert report.data == report.query.path == reviewed.config.data.path
    assert os.path.dirname(report.data) == Root(str(flats.runs)).queries("flats")
    assert reviewed.config.data.sql is None
    assert len(cells("/", reviewed.config.data.model_dump(mode="json")).table) == 40


def test_a_run_uses_the_rows_of_its_preflight(flats, database):
    paths = []
    report = look(flats, passed=lambda reviewed: paths.append(reviewed.config.data.path) or True)
    assert paths == [report.data]
    assert report.passed


def test_a_failing_query_never_reuses_a_previous_run(flats, database):
    database.execute("alter table flats rename to gone")
    report = look(flats, passed=lambda reviewed: pytest.fail("rows that were not read are compared"))
    [finding] = [str(error) for check in report.checks for error in check.findings]
    assert finding.startswith("data.sql: sqlite:///data/x.db rejects the query: ")
    assert report.data is None


def test_rows_of_a_query_are_validated_like_those_of_files(flats, database):
    database.execute("update flats set area = 'big' where rent < 902")
    [line] = flats.errors()
    assert "holds a number" in line
    assert "row 1 holds a text" in line
    database.execute("update flats set area = 'big'")
    [line] = flats.errors()
    assert "'area'" in line
    assert "'big'" in line


def test_a_failing_query_is_reported_with_other_findings(flats, database):
    flats.config(flats.CONFIG.replace('path = "data/flats.csv"', SOURCE.replace("from flats", "from flat")))
    flats.schema(flats.SCHEMA.replace('"city"', '"town"'))
    findings = flats.errors()
    assert len(findings) == 2
    assert findings[0].startswith("data.sql: sqlite:///data/x.db rejects the query: ")
    assert "city" in findings[1]


def test_schema_diff_and_infer_read_the_rows(flats, database):
    queries = Root(str(flats.runs)).queries("flats")
    choice = schema_review.Choice(root=str(flats.root), name="flats", data_root=str(flats.root), queries=queries)
    assert schema_review.diff(choice) == []
    database.execute("update flats set city = null where rent = 905")
    [difference] = schema_review.diff(choice)
    assert difference.column == "city"
    assert "Schema of sqlite:///data/x.db, inferred from 40 rows" in schema_review.infer(choice).text


def test_the_fingerprint_of_a_schedule_depends_on_the_rows(flats, database, monkeypatch):

    def current_fingerprint():
        return unchanged_inputs.fingerprint(Name("flats"), [], str(flats.root), str(flats.runs))

    fingerprint = current_fingerprint()
    assert current_fingerprint() == fingerprint
    database.execute("update flats set rent = 1000 where rent = 905")
    assert current_fingerprint() != fingerprint


def test_a_cloud_job_with_a_query_is_rejected_with_the_alternative(flats, database, monkeypatch):
    with pytest.raises(
        UserError, match=r"data\.sql: a cloud job reads files: .*doctor flats.*runs/flats/queries.*data\.path"
    ):
        compiler.run(compiler.Request(target="kubeflow", name=Name("flats")))


def test_new_writes_a_config_with_the_same_query(flats, database, monkeypatch):
    monkeypatch.chdir(flats.root / "data")
    source = query_result.source(None, SQL, "sqlite:///x.db", str(flats.root), str(flats.runs / "made/queries"))
    proposal = new_config.new(str(flats.root), "made", source, label="rent")
    config = load.reviewed(str(flats.root), Name("made")).config

    assert (config.data.sql, config.data.database) == (SQL, "sqlite:///data/x.db")
    assert proposal.findings[0] == "sqlite:///data/x.db: rows of a query, 40 rows, 3 columns"
    settled, snapshot_file = query_config.settle(config, str(flats.root), str(flats.runs / "made/queries"))
    assert len(os.listdir(flats.runs / "made/queries")) == 1, "equal rows are one file"
    assert settled.data.path == snapshot_file.path


def test_a_database_outside_the_repository_has_its_absolute_path(flats, tmp_path):
    source = query_result.source(None, "select 1", f"sqlite:///{tmp_path}/x.db", str(flats.root), "")
    assert source.query.database == f"sqlite:///{tmp_path}/x.db"


@pytest.mark.parametrize(
    "options",
    [(None, None, None), ("x.csv", "select 1", "sqlite:///x.db"), (None, "select 1", None), (None, None, "x")],
)
def test_new_accepts_a_path_or_a_query_but_not_both(options: Any):
    path, sql, database = options
    with pytest.raises(UserError, match=r"new NAME PATH` or .*--sql"):
        query_result.source(path, sql, database, "", "")


def test_new_does_not_repeat_a_password():
    with pytest.raises(UserError, match=r"--database: user and password are read from the environment") as raised:
        query_result.source(None, "select 1", "postgresql://me:canary@host/db", "", "")
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "data: path is needed, or sql with database"),
        ('path = "data/flats.csv"\n' + SOURCE, "data: path is needed, or sql with database: one of the two"),
        ('sql = "select 1"', "data: sql and database go together"),
        (SOURCE + '\nformat = "csv"', "data: format has no effect with sql: take it out"),
        (SOURCE + "\ncsv.header = false\ncsv.names = ['a']", "data: csv has no effect with sql: take it out"),
        ('path = "data/flats.csv"\nquery_seconds = 5', "data: query_seconds has no effect with path: take it out"),
        (SOURCE.replace("sqlite:///data/x.db", "postgresql://me:canary@host/db"), "data: user and password are read"),
        (SOURCE + '\n[[schedule]]\nname = "s"\non = "new-span"', "schedule 's': on = \"new-span\" watches files"),
    ],
)
def test_the_error_of_contradicting_keys_names_them(flats, source, message):
    flats.config(flats.CONFIG.replace('path = "data/flats.csv"', source))
    with pytest.raises(UserError) as raised:
        load.load(str(flats.root), "flats")
    assert message in str(raised.value)
    assert "canary" not in str(raised.value)


def test_the_worker_reads_the_resolved_config(flats, database):
    config, snapshot_file = query_config.settle(
        load.load(str(flats.root), "flats", ["data.query_seconds=7"]), str(flats.root), str(flats.runs / "q")
    )
    parsed = type(config).model_validate(json.loads(json.dumps(config.plain())))
    assert parsed == config
    assert snapshot_file.query.seconds == 7
    assert Data.model_fields["query_seconds"].default == parsed.data.query_seconds
