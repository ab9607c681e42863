import json

import numpy as np
import pyarrow as pa
import pytest

from models.data import column_cache

BATCH = pa.record_batch(
    [pa.array([1, None, 3]), pa.array(["a", "b", None]), pa.array([0.1, 2.0, 3.0])], ["i", "t", "f"]
)
ROWS = [{"i": 1, "t": b"a"}, {"i": None, "t": b"b"}, {"i": 3, "t": None}]


@pytest.fixture
def records(tmp_path):
    """A record file with its columns beside it."""
    path = tmp_path / "Split-train" / "data.gz"
    path.parent.mkdir()
    path.write_bytes(b"records")
    writer = column_cache.Writer(str(path))
    writer.write(column_cache.typed(BATCH))
    writer.write(column_cache.selected(column_cache.typed(BATCH), np.array([2, 0])))
    writer.close(column_cache._digest(str(path)))
    return path


def test_columns_come_back_in_the_types_of_an_example(records):
    first_batch, second_batch = column_cache.batches(str(records))

    assert [str(column.type) for column in first_batch.columns] == ["int64", "binary", "float"]
    assert [{name: row[name] for name in "it"} for row in first_batch.to_pylist()] == ROWS
    assert second_batch.column(0).to_pylist() == [3, 1]


def test_they_lie_beside_the_folders_that_tfx_reads(records):
    assert sorted(path.name for path in records.parent.iterdir()) == ["data.gz"]
    assert len(list((records.parents[1] / column_cache.FOLDER / "Split-train").iterdir())) == 2


def test_they_say_how_many_rows_there_are(records, tmp_path):
    assert column_cache.rows(str(records)) == 5
    assert column_cache.rows(str(tmp_path / "Split-eval" / "other.gz")) == float("inf")


def test_without_them_there_are_none(tmp_path):
    assert column_cache.batches(str(tmp_path / "Split-train" / "data.gz")) is None
    assert column_cache.batches("gs://bucket/Split-train/data.gz") is None


def test_columns_of_other_records_are_left_alone(records):
    records.write_bytes(b"recordt")

    assert column_cache.batches(str(records)) is None


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "facts"])
def test_damaged_columns_are_left_alone(records, damage):
    [columns] = (records.parents[1] / column_cache.FOLDER).glob("*/*.arrow")
    [facts] = (records.parents[1] / column_cache.FOLDER).glob("*/*.json")
    content = bytearray(columns.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        columns.write_bytes(content)
    elif damage == "cut":
        columns.write_bytes(content[:-8])
    elif damage == "gone":
        columns.unlink()
    else:
        facts.write_text(json.dumps(json.loads(facts.read_text()))[:-5])

    assert column_cache.batches(str(records)) is None
