"""JSON files that do not have one object per line."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.ingestion import sources
from components.ingestion.discovery import json_documents
from curation import new_config
from errors import UserError
from spec.data import Data

ROWS = [{"age": 20 + row, "of": ["red", "x, y", "ö"][row % 3], "y": row % 2} for row in range(30)]
NAMES = list(ROWS[0])
CELLS = [list(row.values()) for row in ROWS]
POINTS = [
    {"type": "Feature", "properties": row, "geometry": {"type": "Point", "coordinates": [8.5, 47.25]}} for row in ROWS
]
DOCUMENTS = {
    "GeoJSON": ("GeoJSON", {"type": "FeatureCollection", "features": POINTS}),
    "areas": (
        "GeoJSON",
        {"type": "FeatureCollection", "features": [{**point, "geometry": None} for point in POINTS]},
    ),
    "split": (
        "one JSON object with a list of rows and their names",
        {"columns": NAMES, "index": list(range(30)), "data": CELLS},
    ),
    "fields": (
        "one JSON object with a list of rows and their names",
        {"fields": [{"name": name, "type": "string"} for name in NAMES], "rows": CELLS},
    ),
    "table": ("one JSON object with a list of rows", {"schema": {"fields": [{"name": "age"}]}, "data": ROWS}),
    "answer": ("one JSON object with a list of rows", {"status": "ok", "page": {"a b": {"it's": ROWS}}}),
    "columns": (
        "one JSON object with an object for each column",
        {name: {str(row): cells[name] for row, cells in enumerate(ROWS)} for name in NAMES},
    ),
    "index": ("one JSON object with an object for each row", {str(row): cells for row, cells in enumerate(ROWS)}),
    "labels": ("one JSON object with an object for each row", {f"p{row}": cells for row, cells in enumerate(ROWS)}),
    "lists": ("one JSON object with a list for each column", {name: [row[name] for row in ROWS] for name in NAMES}),
    "records": ("a JSON array", ROWS),
    "values": ("a JSON array of lists", [NAMES, *CELLS]),
}


def message(path: Path) -> str:
    """Return the error, after checking that `new` and the reader give the same one."""
    with pytest.raises(UserError) as raised:
        new_config.new(str(path.parent), "made", str(path), label="y")
    with pytest.raises(UserError, match=f"^{re.escape(str(raised.value))}$"):
        sources.look(str(path), Data(path=path.name))
    return str(raised.value)


@pytest.fixture
def converted(tmp_path):
    """Return a function that runs the command in an error, and returns the rows of its result."""

    def convert(error: str) -> list[dict[str, object]]:
        if not shutil.which("jq") and "jq " in error:
            pytest.skip("needs jq")
        [command] = re.findall("`(.+)`", error)
        command = command.replace("python -c", f"{sys.executable} -c")
        subprocess.run(command, shell=True, check=True, cwd=tmp_path)
        [table] = tmp_path.glob("table.*")
        batches = sources.batches(str(table), Data(path="x"), {"age": "INT", "of": "BYTES", "y": "INT"})
        return [{name: row[name] for name in NAMES} for batch in batches for row in batch.to_pylist()]

    return convert


@pytest.mark.parametrize("indent", [None, 1], ids=["one line", "many lines"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_json_document_is_described_and_the_command_makes_a_table_of_it(tmp_path, converted, name, indent):
    what, document = DOCUMENTS[name]
    path = tmp_path / "t.json"
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=False))
    error = message(path)
    assert error.startswith(f"{path} is {what}: convert it")
    assert converted(error) == ROWS


@pytest.mark.parametrize("name", ["records", "GeoJSON", "split", "lists", "answer"])
def test_the_first_bytes_of_a_large_document_describe_it(tmp_path, monkeypatch, name):
    what, document = DOCUMENTS[name]
    path = tmp_path / "t.json.gz"
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    whole = message(path)
    monkeypatch.setattr(json_documents, "HEAD_BYTES", 300)
    assert message(path) == whole
    assert whole.startswith(f"{path} is {what}: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{\n "a": 1}\n{\n "a": 2}\n',
            r"several JSON objects, each over several lines: .*`jq -c \. \S+ > table\.jsonl`",
        ),
        ('{\n "a": 1}\n', r"one JSON object over several lines, which would be one row: .*`jq -c \. "),
        ("[1, 2]\n[3, 4]\n", r"lists instead of objects: convert it to CSV, as with `jq -r @csv "),
        ('["a", "b"]', r"a JSON array of single values, without columns: .*`jq -c '\{value: \.\[\]\}' "),
        ('\x1e{"a": 1}\n\x1e{"a": 2}\n', r"a sequence of JSON texts: .*`tr -d '\\036' < \S+ > table\.jsonl`"),
    ],
)
def test_other_json_is_described(tmp_path, text, expected):
    path = tmp_path / "t.json"
    path.write_text(text)
    assert re.search(rf"t\.json is {expected}", message(path))


@pytest.mark.parametrize("name", ["t.geojson", "t.csv"])
def test_a_document_is_described_whatever_its_file_is_called(tmp_path, name):
    path = tmp_path / name
    path.write_text(json.dumps(DOCUMENTS["GeoJSON"][1], indent=1))
    assert "is GeoJSON: convert it to an object a line, as with `jq -c '.features[]" in message(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}\n{"a": 2}\n',
        '{"a": 1, "b": [{"c": 1}, {"c": 2}]}\n{"a": 2, "b": []}\n',
        '{"a": {"x": 1}, "b": 2, "c": [1]}',
        '{"a": [[1, 2], {"x": 1}], "b": 2}',
        '{"a": 1}\n{"a"\n',
        '{"a"\n',
        "",
        "a,b\n1,2\n",
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_objects_on_lines_and_damaged_json_are_no_documents(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    assert json_documents.refusal(str(tmp_path / "t.json")) is None
