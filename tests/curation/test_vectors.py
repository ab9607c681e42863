"""Lists of numbers in a proposal: columns if they have one length, else dropped and named."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion import sources
from components.ingestion.discovery import data_files
from curation import new_config
from orchestration import preflight
from pipeline import load
from pipeline.variants import Name

ROWS = 120


def rows(vector):
    return [{"size": row % 37 + 0.5, "v": vector(row), "rent": 900 + row * 7 % 101} for row in range(ROWS)]


def write(path, records):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in records))


@pytest.fixture
def proposed(tmp_path):
    """Lets `new` look at data/*: returns the proposal, and what a run would read."""

    def propose(name, pattern=None):
        for folder in ("configs", "schemas"):
            (tmp_path / folder).mkdir(exist_ok=True)
        path = str(tmp_path / (pattern or name))
        proposal = new_config.new(str(tmp_path), "made", path, label="rent", force=True)
        reviewed = load.reviewed(str(tmp_path), Name("made"))
        data = reviewed.config.data
        paths = data_files.under(str(tmp_path), data.path)
        preflight.check_data(paths, data, config="configs/made.toml", columns=reviewed.columns, label="rent")
        files = [file.path for file in data_files.resolve(paths, data)]
        return proposal, data, pa.Table.from_batches(sources.batches(files, data, reviewed.columns))

    return propose


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl"])
def test_lists_of_one_length_become_numeric_columns(proposed, tmp_path, name):
    write(tmp_path / name, rows(lambda row: [row % 11 + 0.5, row % 13 + 0.25, -0.5 * row]))
    proposal, data, table = proposed(name)

    assert data.vectors == {"v": 3}
    assert (
        "v: lists of numbers, all of one length: each number becomes a column, v.0 to v.2: data.vectors"
        in proposal.findings
    )
    assert table.column_names == ["size", "v.0", "v.1", "v.2", "rent"]
    assert table["v.2"].to_pylist()[:3] == [0, -0.5, -1]
    assert '{column = "v.1"}' in proposal.config


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl"])
@pytest.mark.parametrize("vector", [lambda row: [1.5] * (1 + row % 2), lambda row: [0.5] * 300], ids=["mixed", "long"])
def test_lists_of_several_lengths_or_very_long_ones_are_left_out_and_named(proposed, tmp_path, name, vector):
    write(tmp_path / name, rows(vector))
    proposal, data, table = proposed(name)

    assert data.vectors == {}
    assert table.column_names == ["size", "rent"]
    assert data.drop == (("v",) if name == "t.parquet" else ())
    assert "v" in "\n".join(proposal.findings)


def test_lists_whose_length_differs_between_files_are_left_out(proposed, tmp_path):
    write(tmp_path / "a.parquet", rows(lambda row: [1.5, 2.5]))
    write(tmp_path / "b.parquet", rows(lambda row: [1.5]))
    assert proposed("a.parquet", "*.parquet")[1].drop == ("v",)
