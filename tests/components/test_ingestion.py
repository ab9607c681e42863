import gzip
import json
import os
import runpy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components import summary
from components.ingestion import executor as ingestion
from errors import UserError
from spec import settings
from spec.data import Data

SHARES = {"train": 8, "eval": 1, "test": 1}
COLUMNS = {"id": "INT", "lat": "FLOAT", "city": "BYTES"}


def lines(rows):
    return ["id,lat,city", *(f"{number},{'' if number % 7 == 0 else number / 2},city {number % 3}" for number in rows)]


@pytest.fixture
def ingest(tmp_path, beam_pipeline):
    """Runs the executor over a CSV file; returns the Examples artifact."""

    def run(content, *, split=None, name="table.csv", path=None, folder=None, duties=None, **keys):
        path = path or str(tmp_path / name)
        if content is not None:
            text = "\n".join(content) + "\n"
            (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / (folder or "examples"))
        label, complete = keys.pop("label", None), keys.pop("complete", [])
        data = Data(path=path, split={"column": "id"} if split is None else split, **keys)
        config = {
            "paths": path,
            "data": data.model_dump(mode="json"),
            "columns": COLUMNS,
            "duties": {"id": None, "group": None, "time": None, **(duties or {})},
            "label": label,
            "complete": complete,
            "read": [],
            "notes": [],
            "classes": False,
        }
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


def test_each_row_is_in_one_split_unchanged(ingest):
    examples = ingest(lines(range(200)))
    rows = [row for name in SHARES for row in parsed(examples, name)]

    assert sorted(rows) == [(n, [] if n % 7 == 0 else [n / 2], f"city {n % 3}") for n in range(200)]
    assert all(parsed(examples, name) == sorted(parsed(examples, name)) for name in SHARES)


def test_the_artifact_describes_its_content(ingest):
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
    folders = [f"Split-{name}" for name in sorted(SHARES)]
    assert sorted(os.listdir(examples.uri)) == [*folders, "columns", "counts", "files.json", "manifest.json"]


def test_a_gzipped_file_gives_the_same_records(ingest):
    plain = ingest(lines(range(100)))
    packed = ingest(lines(range(100)), name="table.csv.gz", folder="other")

    assert {name: parsed(packed, name) for name in SHARES} == {name: parsed(plain, name) for name in SHARES}


def test_rows_with_equal_cells_in_the_split_column_stay_together(ingest):
    examples = ingest(["id,lat,city", *(f"{number % 20},{number},x" for number in range(200))])
    ids_by_split = {name: {row[0] for row in parsed(examples, name)} for name in SHARES}

    assert sum(map(len, ids_by_split.values())) == 20
    assert {len(parsed(examples, name)) for name in SHARES} == {10 * len(ids) for ids in ids_by_split.values()}


def test_without_a_split_column_the_whole_row_decides(ingest):
    rows = ["id,lat,city", *(f"1,{number},x" for number in range(300))]
    apart = ingest(rows, split={})

    assert min(len(parsed(apart, name)) for name in SHARES) > 10
    with pytest.raises(UserError):
        ingest(rows, folder="together")


def test_a_split_without_rows_is_refused(ingest):
    with pytest.raises(UserError, match=r"table\.csv: split 'eval' has no rows: it needs more rows, or a larger"):
        ingest(["id,lat,city", "1,2,x"], split={"train": 1000})


def test_a_table_without_rows_is_refused(ingest):
    with pytest.raises(UserError, match=r"table\.csv: split 'train' has no rows"):
        ingest(["id,lat,city"])


def test_a_bad_cell_comes_through_beam_with_its_place(ingest):
    with pytest.raises(UserError, match=r"table\.csv: column 'lat', row 4: .*'oops'"):
        ingest([*lines(range(2)), "3,oops,x"])


def test_a_shard_that_was_not_written_is_noticed(ingest, monkeypatch):
    monkeypatch.setattr(ingestion.WriteShard, "process", lambda self, element: 0)
    with pytest.raises(OSError, match="00000-of-00001"):
        ingest(lines(range(100)))


def test_rows_are_left_out_for_a_reason_and_counted(ingest):
    rows = ["id,lat,city", *(f"{number},{number},city {number % 3}" for number in range(200))]
    rows += ["1000,1,?", "1001,2, ", "1002,?,city 1", "1003,60,city 1"]
    examples = ingest(rows, exclude=["lat > 50 and id > 999"], complete=["lat"], label="city")
    ids = sorted(row[0] for name in SHARES for row in parsed(examples, name))

    assert ids == list(range(200))
    left_out = {"lat > 50 and id > 999": 1, "missing lat": 1, "blank label": 2}
    assert json.loads(examples.get_string_custom_property("left_out")) == left_out
    line = examples.get_string_custom_property(summary.PROPERTY)
    assert line.endswith(" rows; left out: 1 lat > 50 and id > 999, 1 missing lat, 2 blank label")


def test_too_many_rows_without_a_label_are_refused(ingest):
    rows = ["id,lat,city", *(f"{number},{number},{'' if number % 10 == 0 else 'x'}" for number in range(100))]
    with pytest.raises(
        UserError, match=r"label 'city' is null in 10 of 100 rows, more than data\.max_null_label = 0\.05"
    ):
        ingest(rows, label="city")

    assert (
        sum(len(parsed(ingest(rows, folder="more", label="city", max_null_label=0.1), name)) for name in SHARES) == 90
    )


def test_labels_of_other_spans_count_among_all_rows(ingest):
    days = [f"2024-{month:02d}-{day:02d}" for month in (1, 2) for day in range(1, 29)]
    rows = ["id,lat,city", *(f"{number},{'' if number == 3 else 1},{day}" for number, day in enumerate(days))]
    keys = {"split": {"train": 2}, "duties": {"time": "city"}, "spans": {"by": "month"}, "label": "lat"}
    examples = ingest(rows, max_null_label=1 / 56, **keys)

    assert json.loads(examples.get_string_custom_property("left_out")) == {"blank label": 1, "of other spans": 27}
    assert examples.span == (2024 - 1970) * 12 + 1
    with pytest.raises(UserError, match="label 'lat' is null in 1 of 56 rows"):
        ingest(rows, max_null_label=1 / 57, folder="fewer", **keys)


def test_every_row_in_every_split(ingest):
    examples = ingest(lines(range(1, 6)), split="all")

    assert [len(parsed(examples, name)) for name in SHARES] == [5, 5, 5]
    assert "metrics do not show how the model does on unseen rows" in examples.get_string_custom_property(
        summary.PROPERTY
    )


def test_a_split_by_time_has_the_last_rows_in_test_and_equal_times_on_one_side(ingest):
    days = [f"20{10 + number // 12}-{number % 12 + 1:02d}-01" for number in range(40)]
    rows = ["id,lat,city", *(f"{number},1,{day}" for number, day in enumerate([*days, *days])), "99,60,2030-01-01"]
    examples = ingest(rows[:1] + rows[:0:-1], split={"by": "time"}, duties={"time": "city"}, exclude=["lat > 50"])
    times = {name: {row[2] for row in parsed(examples, name)} for name in SHARES}

    assert (times["train"], times["eval"], times["test"]) == (set(days[:32]), set(days[32:36]), set(days[36:]))
    assert "eval from 2012-09-01, test from 2013-01-01" in examples.get_string_custom_property(summary.PROPERTY)


def test_a_column_names_the_split(ingest):
    rows = ["id,lat,city", "1,1,train", "2,1,validation", "3,1,test", "4,1,TRAIN "]
    values = {"validation": "eval", "TRAIN": "train"}
    examples = ingest(rows, split={"by": "column", "column": "city", "values": values})

    assert {name: [row[0] for row in parsed(examples, name)] for name in SHARES} == {
        "train": [1, 4],
        "eval": [2],
        "test": [3],
    }
    with pytest.raises(
        UserError, match=r"table\.csv: column 'city', which data\.split\.column names, holds 'TRAIN'; expected"
    ):
        ingest(rows, split={"by": "column", "column": "city", "values": {"validation": "eval"}}, folder="other")


@pytest.mark.parametrize(
    ("duties", "held"), [({"group": "city", "id": "id"}, "group"), ({"id": "id"}, "id"), ({}, "row")]
)
def test_rows_of_a_group_then_of_an_id_stay_together(ingest, duties, held):
    rows = ["id,lat,city", *(f"{number % 40},{number},city {number % 20}" for number in range(400))]
    examples = ingest(rows, split={}, duties=duties)
    key = {"group": 2, "id": 0, "row": 1}[held]
    keys_of_splits = [{row[key] if key != 1 else row[1][0] for row in parsed(examples, name)} for name in SHARES]

    assert sum(map(len, keys_of_splits)) == {"group": 20, "id": 40, "row": 400}[held]


def test_ready_made_files_are_the_splits_and_eval_is_cut_out_of_train(ingest, tmp_path):
    for name, numbers in {"a": range(90), "b": range(90, 180), "c": range(180, 200)}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines(numbers)))
    paths = {"train": [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], "test": str(tmp_path / "c.csv")}
    examples = ingest(None, path=paths, split={"by": "files"})

    def ids(examples, name):
        files = tf.io.gfile.glob(f"{artifact_utils.get_split_uri([examples], name)}/*")
        records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
        return [tf.train.Example.FromString(r).features.feature["id"].int64_list.value[0] for r in records]

    assert sorted(ids(examples, "train") + ids(examples, "eval")) == list(range(180))
    assert 5 < len(ids(examples, "eval")) < 40
    assert sorted(ids(examples, "test")) == list(range(180, 200))

    paths = {"train": str(tmp_path / "a.csv"), "eval": str(tmp_path / "b.csv"), "test": str(tmp_path / "c.csv")}
    three_files = ingest(None, path=paths, split={"by": "files"}, folder="whole")
    assert [sorted(ids(three_files, name)) for name in SHARES] == [
        list(range(90)),
        list(range(90, 180)),
        list(range(180, 200)),
    ]


def test_several_files_whose_columns_stand_in_another_order(ingest, tmp_path):
    (tmp_path / "part-1.csv").write_text("\n".join(lines(range(1, 100))))
    (tmp_path / "part-2.csv").write_text("city,id,lat\n" + "".join(f"x,{number},1\n" for number in range(100, 200)))
    (tmp_path / "README.md").write_text("About these files")
    examples = ingest(None, path=str(tmp_path / "*"))
    rows = [json.loads((tmp_path / f"examples/counts/0000{number}-of-00002.json").read_text()) for number in range(2)]

    assert [sum(counts.values()) for counts in rows] == [99, 100]
    assert sum(json.loads(examples.get_string_custom_property("rows")).values()) == 199


@pytest.mark.parametrize("split", [{}, {"by": "time"}])
def test_a_sample_is_thinned_out_of_the_first_rows_of_each_file(ingest, tmp_path, split):
    for file in range(2):
        numbers = range(file * 5000, (file + 1) * 5000)
        rows = ["id,lat,city", *(f"{number},1,2020-01-{number % 28 + 1:02d}" for number in numbers)]
        (tmp_path / f"{file}.csv").write_text("\n".join(rows))

    def ids(folder):
        examples = ingest(
            None, path=str(tmp_path / "*.csv"), split=split, duties={"time": "city"}, sample=199, folder=folder
        )
        assert "; a sample of 199 rows" in examples.get_string_custom_property(summary.PROPERTY)
        files = tf.io.gfile.glob(f"{examples.uri}/Split-*/*")
        records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
        return sorted(tf.train.Example.FromString(r).features.feature["id"].int64_list.value[0] for r in records)

    drawn = ids("one")
    assert len(drawn) == 200
    assert [sum(number < 5000 for number in drawn), min(drawn) < 200, max(drawn) < 7000] == [100, True, True]
    assert max(number for number in drawn if number < 5000) > 1500
    assert ids("two") == drawn


def test_a_pickled_type_is_refused_in_the_workers_of_beam(ingest, tmp_path):
    field = runpy.run_path(str(Path(__file__).parents[1] / "pickled.py"))["field"]
    schema = pa.schema([field("area", pa.int64(), "touch", str(tmp_path / "ran")), pa.field("rent", pa.int64())])
    pq.write_table(pa.table([[1, 2], [3, 4]], schema=schema), tmp_path / "evil.parquet")
    with pytest.raises(
        UserError, match=r"evil\.parquet: column 'area' has the extension type 'arrow\.py_extension_type'"
    ):
        ingest(None, path=str(tmp_path / "evil.parquet"))
    assert not (tmp_path / "ran").exists()
