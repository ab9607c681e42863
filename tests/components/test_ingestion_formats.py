import datetime
import decimal
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion import sources
from components.ingestion.readers import parquet as parquet_source
from components.ingestion.readers import tfrecord as tfrecord_source
from components.ingestion.write import example_encoding
from components.ingestion.write.record_writer import RecordWriter, frame
from errors import UserError
from spec.data import Data

from ..attributes import with_attributes


@pytest.fixture
def read():
    """Reads files; columns as lists."""

    @with_attributes
    def run(path, columns=None, **keys):
        settings = Data(path="not read", **keys)
        batches = list(sources.batches(str(path), settings, columns or {}))
        run.types = {field.name: field.type for field in batches[0].schema}
        return pa.Table.from_batches(batches).to_pydict()

    return run


@pytest.fixture
def look():
    return lambda path, **keys: sources.look(str(path), Data(path="not read", **keys))


# Parquet

DAY = datetime.date(2014, 5, 2)
MOMENT = datetime.datetime(2014, 5, 2, 1, 2, 3, 400_000)
TABLE = {
    "whole": pa.array([1, None, 3], pa.int32()),
    "share": pa.array([0.5, float("nan"), None]),
    "name": pa.array([" a", "?", "b"]),
    "coded": pa.array(["x", None, "NA"]).dictionary_encode(),
    "large": pa.array(["x", "null", "z"], pa.large_string()),
    "day": pa.array([DAY, None, DAY]),
    "moment": pa.array([MOMENT, None, MOMENT], pa.timestamp("us")),
    "there": pa.array([MOMENT, None, MOMENT], pa.timestamp("ms", tz="UTC")),
    "time": pa.array([MOMENT.time(), None, None]),
    "sold": pa.array([True, False, None]),
    "price": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.00")]),
    "raw": pa.array([b"\xff", None, b""]),
    "nothing": pa.array([None, None, None]),
}


@pytest.fixture
def parquet(tmp_path):
    def write(columns, name="table.parquet", **options):
        pq.write_table(pa.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return write


def test_parquet_columns_are_as_they_look(read, parquet):
    table = read(parquet(TABLE))
    assert np.isnan(table["share"][1])
    table["share"][1] = "NaN"
    assert table == {
        "whole": [1, None, 3],
        "share": [0.5, "NaN", None],
        "name": ["a", None, "b"],
        "coded": ["x", None, None],
        "large": ["x", None, "z"],
        "day": ["2014-05-02", None, "2014-05-02"],
        "moment": ["2014-05-02 01:02:03", None, "2014-05-02 01:02:03"],
        "there": ["2014-05-02 01:02:03", None, "2014-05-02 01:02:03"],
        "time": ["01:02:03", None, None],
        "sold": [1, 0, None],
        "price": [1.5, None, 2.0],
        "raw": [b"\xff", None, b""],
        "nothing": [None, None, None],
    }
    assert {str(kind) for kind in read.types.values()} == {"int64", "float", "string", "binary"}


@pytest.mark.parametrize(
    ("column", "kind", "cells"),
    [
        ("whole", "BYTES", ["1", None, "3"]),
        ("whole", "FLOAT", [1.0, None, 3.0]),
        ("sold", "BYTES", ["True", "False", None]),
        ("sold", "FLOAT", [1.0, 0.0, None]),
        ("day", "INT", [16192, None, 16192]),
        ("day", "FLOAT", [16192.0, None, 16192.0]),
        ("moment", "INT", [1398992523, None, 1398992523]),
        ("there", "INT", [1398992523, None, 1398992523]),
        ("time", "INT", [3723, None, None]),
        ("price", "BYTES", ["1.50", None, "2.00"]),
    ],
)
def test_parquet_columns_have_the_schemas_types(read, parquet, column, kind, cells):
    assert read(parquet(TABLE), {column: kind})[column] == cells


def test_large_integers_are_floats_where_the_schema_has_floats(read, parquet):
    assert read(parquet({"a": [2**40, 3]}), {"a": "FLOAT"})["a"] == [2.0**40, 3.0]


@pytest.mark.parametrize("size", [2, 100])
@pytest.mark.parametrize(
    ("cells", "kind", "message"),
    [
        ([1.0, 2.0, 3.0, 2.5], "INT", "column 'a', row 4: 2.5 is not INT"),
        (["1", "2", "3", "four"], "FLOAT", "column 'a', row 4: 'four' is not FLOAT"),
        (
            [decimal.Decimal("1.0")] * 3 + [decimal.Decimal("1.5")],
            "INT",
            r"column 'a', row 4: Decimal\('1.5'\) is not INT",
        ),
    ],
)
def test_a_parquet_cell_that_does_not_fit_names_column_and_row(read, parquet, monkeypatch, size, cells, kind, message):
    monkeypatch.setattr(parquet_source, "BATCH_ROWS", size)
    with pytest.raises(UserError, match=rf"table\.parquet: {message}, the type in the schema"):
        read(parquet({"a": cells}), {"a": kind})


def test_parquet_lists_are_refused_with_their_column(read, look, parquet):
    for ask in (read, look):
        with pytest.raises(UserError, match=r"table\.parquet: column 'b' holds list<int64>, and a cell is one"):
            ask(parquet({"a": [1], "b": [[1, 2]]}))


@pytest.mark.parametrize("size", [1, 100])
def test_binary_cells_that_are_texts_are_cleaned_as_texts(read, parquet, monkeypatch, size):
    """Some programs write texts without a word that they are UTF-8; served rows are cleaned in any case."""
    monkeypatch.setattr(parquet_source, "BATCH_ROWS", size)
    cells = pa.array([b" a ", b"?", b"\xc3\xbc", None], pa.binary())
    texts = ["a", None, "\u00fc", None]

    assert read(parquet({"a": cells, "b": cells.cast(pa.large_binary())})) == {"a": texts, "b": texts}
    assert read(parquet({"a": pa.array([b"\x89PNG", None], pa.binary())})) == {"a": [b"\x89PNG", None]}


def test_bytes_below_texts_are_named(read, parquet, monkeypatch):
    monkeypatch.setattr(parquet_source, "BATCH_ROWS", 1)
    message = r"table\.parquet: column 'a' holds bytes that are not UTF-8, and earlier rows hold text: fix the cells"
    with pytest.raises(UserError, match=message):
        read(parquet({"a": pa.array([b"x", b"\xff"], pa.binary())}))


@pytest.mark.parametrize(
    ("kind", "absent"),
    [(pa.list_(pa.float64()), None), (pa.list_(pa.float32(), 3), [0, 0, 0]), (pa.large_list(pa.int16()), None)],
    ids=str,
)
@pytest.mark.parametrize("size", [1, 100])
def test_lists_of_numbers_that_data_vectors_names_are_columns(read, look, parquet, monkeypatch, kind, absent, size):
    """pyarrow 10 writes no null among lists of a fixed size."""
    monkeypatch.setattr(parquet_source, "BATCH_ROWS", size)
    lists = [[1, 2, 3], absent, [4, 5, 6]]
    path = parquet({"a": [7, 8, 9], "b": pa.array(lists, kind), "c": ["x", "y", "z"]})
    first, second, third = ([None if vector is None else vector[place] for vector in lists] for place in range(3))

    assert read(path, vectors={"b": 3}) == {
        "a": [7, 8, 9],
        "b.0": first,
        "b.1": second,
        "b.2": third,
        "c": ["x", "y", "z"],
    }
    assert look(path, vectors={"b": 3}) == ["a", "b.0", "b.1", "b.2", "c"]
    assert sources.lengths(str(path), Data(path="x")) == {"b": 3}


@pytest.mark.parametrize(
    ("lists", "vectors", "message"),
    [
        ([[1, 2], [3]], {"b": 2}, r"column 'b', row 2: a list of 1 numbers, and data\.vectors says 2: fix the list"),
        ([[], [3, 4]], {"b": 2}, r"column 'b', row 1: a list of 0 numbers"),
        ([1, 2], {"b": 2}, r"column 'b' holds int64, and data\.vectors needs lists of numbers: remove 'b' from it"),
        ([["x"], ["y"]], {"b": 1}, r"column 'b' holds list<string>, and data\.vectors needs lists of numbers"),
    ],
)
def test_a_list_of_another_length_or_of_texts_names_column_and_row(read, parquet, lists, vectors, message):
    with pytest.raises(UserError, match=rf"table\.parquet: {message.replace('from it', 'from data.vectors')}"):
        read(parquet({"a": [1, 2], "b": lists}), vectors=vectors)


def test_a_file_that_is_no_parquet_is_named(look, read, tmp_path, parquet):
    (tmp_path / "x.parquet").write_bytes(b"not a table")
    for ask in (read, look):
        with pytest.raises(UserError, match=r"x\.parquet cannot be read as Parquet: ."):
            ask(tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(
        UserError, match=r"x\.parquet cannot be read as Parquet: .*; it looks like text: write format = "
    ):
        look(tmp_path / "x.parquet")
    with pytest.raises(UserError, match=r"table\.parquet holds no rows"):
        look(parquet({"a": pa.array([], pa.int64())}))
    assert look(parquet(TABLE)) == list(TABLE)


def test_files_of_two_formats_have_common_types(tmp_path, parquet):
    (tmp_path / "a.csv").write_text("x,y\n1,1\n")
    paths = [str(tmp_path / "a.csv"), str(parquet({"x": [0.5], "y": [2]}))]
    settings = Data(path="not read")
    read = [batch.to_pydict() for batch in sources.batches(paths, settings, {})]

    assert read == [{"x": [1.0], "y": [1]}, {"x": [0.5], "y": [2]}]
    assert sources.types(paths, settings, {"y": "BYTES"}) == {"y": "BYTES", "x": "FLOAT"}


# TFRecord

ROWS = pa.RecordBatch.from_pydict(
    {"n": pa.array([1, None, 3]), "x": pa.array([0.5, 1.5, None], pa.float32()), "s": pa.array(["a", "b", None])}
)


@pytest.fixture
def tfrecord(tmp_path):
    def write(records, name="data.tfrecord"):
        path = tmp_path / name
        if name.endswith(".gz"):
            writer = RecordWriter(path.open("wb"))
            writer.write(records)
            writer.close()
        else:
            path.write_bytes(frame(records))
        return path

    return write


@pytest.mark.parametrize("name", ["data.tfrecord", "data.tfrecord.gz", "data_tfrecord-00000-of-00001.gz"])
@pytest.mark.parametrize("columns", [{}, {"n": "INT", "x": "FLOAT", "s": "BYTES"}])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_tfrecords_are_read_back(read, tfrecord, monkeypatch, name, columns, size):
    monkeypatch.setattr(tfrecord_source, "BATCH_RECORDS", size)
    path = tfrecord(example_encoding.examples(ROWS).to_pylist(), name)

    assert read(path, columns) == {"n": [1, None, 3], "x": [0.5, 1.5, None], "s": [b"a", b"b", None]}


def test_tfrecord_features_have_the_schemas_types(read, tfrecord):
    path = tfrecord(example_encoding.examples(ROWS).to_pylist())

    assert read(path, {"n": "FLOAT", "gone": "INT"})["n"] == [1.0, None, 3.0]
    with pytest.raises(UserError, match=r"data\.tfrecord: feature 's', record 1: b'a' is not FLOAT"):
        read(path, {"s": "FLOAT"})


def test_a_feature_with_several_values_is_refused(read, tfrecord):
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    batch = pa.RecordBatch.from_pydict({"a": pa.array([[1], [1, 2]])})
    with pytest.raises(UserError, match=r"data\.tfrecord: feature 'a', record 2 holds 2 values"):
        read(tfrecord(RecordBatchToExamplesEncoder(None).encode(batch)))


@pytest.mark.parametrize(
    "content",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:20] + b"x" + whole[21:],
        lambda whole: struct.pack("<QI", 1 << 60, 0) + whole,
        lambda whole: b"id,name\n1,a\n",
        lambda whole: b"x",
    ],
)
def test_a_broken_record_is_named(read, look, tmp_path, content):
    (tmp_path / "x.tfrecord").write_bytes(content(frame(example_encoding.examples(ROWS).to_pylist())))
    with pytest.raises(UserError, match=r"x\.tfrecord: record [123] is broken: this is not a TFRecord file"):
        read(tmp_path / "x.tfrecord")


def test_records_that_are_no_examples_and_no_records_are_named(look, tfrecord):
    with pytest.raises(UserError, match=r"data\.tfrecord: records 1 to 1 are not tf\.Examples"):
        look(tfrecord([b"\xff\xff"]))
    with pytest.raises(UserError, match=r"data\.tfrecord holds no records"):
        look(tfrecord([]))
    assert sorted(look(tfrecord(example_encoding.examples(ROWS).to_pylist()))) == ["n", "s", "x"]
