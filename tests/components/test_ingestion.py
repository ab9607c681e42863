import gzip
import json
import os

import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components import summary
from components.ingestion import executor as ingestion
from components.ingestion.component import ingestion as node
from errors import UserError
from models import settings

SHARES = {"train": 8, "eval": 1, "test": 1}
COLUMNS = {"id": "INT", "lat": "FLOAT", "city": "BYTES"}


def lines(rows):
    return ["id,lat,city", *(f"{number},{'' if number % 7 == 0 else number / 2},city {number % 3}" for number in rows)]


@pytest.fixture
def ingest(tmp_path, beam_pipeline):
    """Runs the executor over a CSV file; returns the Examples artifact."""

    def run(content, *, shares=SHARES, split_column="id", name="table.csv", path=None, folder=None):
        path = path or str(tmp_path / name)
        if content is not None:
            text = "\n".join(content) + "\n"
            (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / (folder or "examples"))
        config = {"path": path, "columns": COLUMNS, "shares": shares, "split_column": split_column, "salt": ""}
        context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=beam_pipeline)
        properties = {"settings": json.dumps(settings.pack(config, None)), "content": "", "code": ""}
        ingestion.Executor(context).Do({}, {"examples": [examples]}, properties)
        return examples

    return run


def parsed(examples, split):
    files = tf.io.gfile.glob(f"{artifact_utils.get_split_uri([examples], split)}/*")
    assert [os.path.basename(file) for file in files] == ["data_tfrecord-00000-of-00001.gz"]
    rows = []
    for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
        cells = tf.train.Example.FromString(record).features.feature
        [number], [city] = cells["id"].int64_list.value, cells["city"].bytes_list.value
        rows.append((number, list(cells["lat"].float_list.value), city.decode()))
    return rows


def test_each_row_is_in_one_split_as_it_was(ingest):
    examples = ingest(lines(range(200)))
    rows = [row for name in SHARES for row in parsed(examples, name)]

    assert sorted(rows) == [(n, [] if n % 7 == 0 else [n / 2], f"city {n % 3}") for n in range(200)]
    assert all(parsed(examples, name) == sorted(parsed(examples, name)) for name in SHARES)


def test_the_artifact_says_what_it_holds(ingest):
    examples = ingest(lines(range(2000)))
    counts = {name: len(parsed(examples, name)) for name in SHARES}

    assert sum(counts.values()) == 2000
    assert 1500 < counts["train"] < 1700
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "eval", "test"]
    assert json.loads(examples.get_string_custom_property("rows")) == counts
    assert examples.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    assert examples.get_string_custom_property("file_format") == "tfrecords_gzip"
    expected = f"{counts['train']:,} train, {counts['eval']} eval, {counts['test']} test rows"
    assert examples.get_string_custom_property(summary.PROPERTY) == expected
    assert "," in expected.split(" train")[0]


def test_counts_are_kept_beside_the_splits(ingest):
    examples = ingest(lines(range(100)))
    with open(f"{examples.uri}/{ingestion.COUNTS}/00000-of-00001.json") as file:
        counts = json.load(file)

    assert counts == {name: len(parsed(examples, name)) for name in SHARES}
    assert sorted(os.listdir(examples.uri)) == ["Split-eval", "Split-test", "Split-train", "counts"]


def test_a_gzipped_file_gives_the_same_records(ingest):
    plain = ingest(lines(range(100)))
    packed = ingest(lines(range(100)), name="table.csv.gz", folder="other")

    assert {name: parsed(packed, name) for name in SHARES} == {name: parsed(plain, name) for name in SHARES}


def test_rows_with_equal_cells_in_the_split_column_stay_together(ingest):
    examples = ingest(["id,lat,city", *(f"{number % 20},{number},x" for number in range(200))])
    where = {name: {row[0] for row in parsed(examples, name)} for name in SHARES}

    assert sum(map(len, where.values())) == 20
    assert {len(parsed(examples, name)) for name in SHARES} == {10 * len(ids) for ids in where.values()}


def test_without_a_split_column_the_whole_row_decides(ingest):
    rows = ["id,lat,city", *(f"1,{number},x" for number in range(300))]
    apart = ingest(rows, split_column=None)

    assert min(len(parsed(apart, name)) for name in SHARES) > 10
    with pytest.raises(UserError):
        ingest(rows, split_column="id", folder="together")


def test_a_split_without_rows_is_refused(ingest):
    with pytest.raises(UserError, match=r"table\.csv: no row fell into split 'eval'; it needs more rows, or a larger"):
        ingest(["id,lat,city", "1,2,x"], shares={"train": 1000, "eval": 1})


def test_a_table_without_rows_is_refused(ingest):
    with pytest.raises(UserError, match=r"table\.csv: no row fell into split 'train'"):
        ingest(["id,lat,city"])


def test_a_bad_cell_comes_through_beam_with_its_place(ingest):
    with pytest.raises(UserError, match=r"table\.csv: column 'lat', row 4: .*'oops'"):
        ingest([*lines(range(2)), "3,oops,x"])


def test_a_shard_that_was_not_written_is_noticed(ingest, monkeypatch):
    monkeypatch.setattr(ingestion.WriteShard, "process", lambda self, element: iter(()))
    with pytest.raises(OSError, match="00000-of-00001"):
        ingest(lines(range(100)))


def test_the_node_carries_digests_and_settings(tmp_path):
    def make(**changes):
        usual = {"path": "data.csv", "columns": COLUMNS, "shares": SHARES, "split_column": None, "content": "abc"}
        return node(**{**usual, **changes})

    made = make()
    assert made.id == "ingestion"
    assert made.exec_properties["content"] == "abc"
    assert len(made.exec_properties["code"]) == 16
    assert settings.unpack(json.loads(made.exec_properties["settings"])) == {
        "path": "data.csv",
        "columns": COLUMNS,
        "shares": SHARES,
        "split_column": None,
        "salt": "",
    }
    many = {f"column {number}": "INT" for number in range(200)}
    reference = make(columns=many, settings_folder=str(tmp_path)).exec_properties["settings"]
    assert len(reference) < 2700
    assert settings.unpack(json.loads(reference))["columns"] == many
