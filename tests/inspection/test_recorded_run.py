"""run.json as a run of another version, a killed process or another program may leave it."""

import json
from datetime import datetime, timezone

import pytest

from inspection.read.recorded_run import Query, RecordedRun, parse_run, read_run


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"x"'])
def test_a_file_without_an_object_is_no_record(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    assert read_run(str(tmp_path)) is None
    assert read_run(str(tmp_path / "gone")) is None
    assert read_run(None) is None


def test_entries_have_their_types(tmp_path):
    content = {
        "pipeline": "houses",
        "state": "COMPLETE",
        "started": "2026-11-28T10:00:00+0000",
        "command": ["runner.py", "--local"],
        "query": {"sql": "SELECT 1", "database": "a.db", "path": "/q/1.parquet", "rows": 3},
        "upstream": {"trainer": ["transformation"]},
        "nodes": ["ingestion", "trainer"],
        "outcome": {"blessed": True, "reason": "r2 holds", "pushed": "/serving/5"},
    }
    (tmp_path / "run.json").write_text(json.dumps(content))
    run = read_run(str(tmp_path))

    assert run is not None
    assert (run.pipeline, run.state, run.nodes) == ("houses", "COMPLETE", ("ingestion", "trainer"))
    assert run.started == datetime(2026, 11, 28, 10, tzinfo=timezone.utc)
    assert run.command == ("runner.py", "--local")
    assert run.query == Query(sql="SELECT 1", database="a.db", path="/q/1.parquet", rows=3)
    assert run.upstream == {"trainer": ("transformation",)}
    assert (run.outcome.blessed, run.outcome.advisory, run.outcome.pushed) == (True, False, "/serving/5")
    assert run.outcome.reached is None


def test_invalid_entries_are_as_if_absent():
    fields = ("reason", "started", "command", "config", "query", "seed", "versions", "nodes", "upstream", "unused")
    assert parse_run(dict.fromkeys(fields, 1.5) | {"outcome": []}) == RecordedRun()
    assert parse_run({"nodes": ["a", 3], "upstream": {"a": 1}, "unused": [1]}) == RecordedRun(nodes=("a",), upstream={})
