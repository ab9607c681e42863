import itertools

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tfx.components.example_gen import base_example_gen_executor
from tfx.proto import example_gen_pb2

from components.ingestion.rows import split_assignment
from components.ingestion.write import example_encoding
from errors import UserError

INT64 = st.integers(-(2**63), 2**63 - 1)
SHORT_TEXT = st.text(max_size=10)
LONG_TEXT = st.sampled_from([126, 127, 128, 129, 16_383, 16_384, 16_385, 70_000]).map(
    lambda size: "x" * (size - 2) + "ü"
)
CELLS = {
    pa.int64(): INT64,
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.bool_(): st.booleans(),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.string(): SHORT_TEXT | LONG_TEXT,
    pa.binary(): st.binary(max_size=20),
    pa.null(): st.none(),
}
"""Arrow type -> what its cells can hold, null aside."""


def none_begins_another(names):
    """protobuf of the newer stack puts "ab" before "a"; where no name begins another, every protobuf agrees."""
    return not any(name != longer and longer.startswith(name) for name in names for longer in names)


NAMES = st.lists(SHORT_TEXT | st.just("n" * 200), min_size=1, max_size=5, unique=True).filter(none_begins_another)


@st.composite
def batches(draw, min_rows=1, max_rows=6):
    names = draw(NAMES)
    count = draw(st.integers(min_rows, max_rows))
    columns = []
    for _ in names:
        kind = draw(st.sampled_from(list(CELLS)))
        cells = draw(st.lists(st.none() | CELLS[kind], min_size=count, max_size=count))
        columns.append(pa.array(cells, kind))
    return pa.record_batch(columns, names)


def feature(kind, cell, empty=False):
    """The cell as TensorFlow's own message; a null has no list, or one of its type without values."""
    if cell is None and (not empty or pa.types.is_null(kind)):
        return tf.train.Feature()
    cells = [] if cell is None else [cell]
    if pa.types.is_floating(kind):
        with np.errstate(over="ignore"):
            rounded = np.asarray(cells, np.float64).astype(np.float32)
        return tf.train.Feature(float_list=tf.train.FloatList(value=rounded.tolist()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=map(int, cells)))
    encoded = [cell.encode() if isinstance(cell, str) else cell for cell in cells]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))


def example(batch, row, empty=False):
    cells = {name: batch.column(number)[row].as_py() for number, name in enumerate(batch.schema.names)}
    kinds = {field.name: field.type for field in batch.schema}
    return tf.train.Example(
        features=tf.train.Features(feature={name: feature(kinds[name], cell, empty) for name, cell in cells.items()})
    )


def serialized(batch):
    return [example(batch, row).SerializeToString(deterministic=True) for row in range(batch.num_rows)]


@given(batches())
def test_examples_are_byte_for_byte_tensorflows(batch):
    assert example_encoding.examples(batch).to_pylist() == serialized(batch)


def test_a_name_that_begins_another_comes_first_whatever_protobuf_does():
    batch = pa.record_batch([[1], [2], [3]], ["lot15", "lot", "lo"])
    [encoded] = example_encoding.examples(batch).to_pylist()

    assert tf.train.Example.FromString(encoded) == example(batch, 0)
    assert encoded.index(b"lo\x12") < encoded.index(b"lot\x12") < encoded.index(b"lot15\x12")


@pytest.mark.parametrize("kind", CELLS, ids=str)
@given(data=st.data())
def test_every_type_is_byte_for_byte_tensorflows(kind, data):
    cells = data.draw(st.lists(st.none() | CELLS[kind], min_size=1, max_size=20))
    column = pa.array(cells, kind)
    batch = pa.record_batch([column], ["name"])

    assert example_encoding.examples(batch).to_pylist() == serialized(batch)
    expected = [feature(kind, cell).SerializeToString(deterministic=True) for cell in column.to_pylist()]
    assert example_encoding.features(column).to_pylist() == expected


@pytest.mark.parametrize(("kind", "part"), [(pa.float32(), "float_list"), (pa.int64(), "int64_list")])
@given(data=st.data(), width=st.integers(2, 40), start=st.integers(0, 1))
def test_lists_of_one_length_are_byte_for_byte_tensorflows(kind, part, data, width, start):
    cells = data.draw(st.lists(CELLS[kind], min_size=3 * width, max_size=3 * width))
    column = pa.FixedSizeListArray.from_arrays(pa.array(cells, kind), width).slice(start)
    expected = []
    for row in range(start, 3):
        example = tf.train.Feature()
        getattr(example, part).value.extend(cells[row * width : (row + 1) * width])
        expected.append(example.SerializeToString(deterministic=True))

    assert example_encoding.features(column).to_pylist() == expected


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_lengths_around_each_size_of_a_varint(size):
    batch = pa.record_batch([pa.array(["x" * size]), pa.array([None], pa.string())], ["b", "ä"])

    assert example_encoding.examples(batch).to_pylist() == serialized(batch)


@given(batches(3, 8), st.integers(0, 3), st.integers(0, 3))
def test_a_slice_of_a_batch_is_encoded_as_its_own_rows(batch, start, length):
    cut = batch.slice(start, length)

    assert example_encoding.examples(cut).to_pylist() == serialized(batch)[start : start + length]


def test_no_rows_make_no_examples():
    columns = [pa.array([], kind) for kind in CELLS]

    assert example_encoding.examples(pa.record_batch(columns, list(map(str, CELLS)))).to_pylist() == []


def test_an_example_can_be_parsed():
    batch = pa.record_batch([pa.array([-5, None]), pa.array([2.5, 0.0]), pa.array(["Zürich", ""])], ["i", "f", "b"])
    spec = {
        "i": tf.io.VarLenFeature(tf.int64),
        "f": tf.io.FixedLenFeature([1], tf.float32),
        "b": tf.io.FixedLenFeature([1], tf.string),
    }
    parsed = tf.io.parse_example(example_encoding.examples(batch).to_pylist(), spec)

    assert tf.sparse.to_dense(parsed["i"], 7).numpy().tolist() == [[-5], [7]]
    assert parsed["f"].numpy().tolist() == [[2.5], [0.0]]
    assert [cell.decode() for [cell] in parsed["b"].numpy()] == ["Zürich", ""]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02"), (-1, b"\xff" * 9 + b"\x01")],
)
def test_varint(number, expected):
    assert example_encoding.varint(number) == expected


SHARES = st.sampled_from(
    [{"train": 8, "eval": 1, "test": 1}, {"train": 1, "eval": 1}, {"a": 1, "b": 5, "c": 2, "d": 1}]
)


def stock(batch, shares, column):
    """Split of each row by TFX's own ExampleGen, of examples as its CsvExampleGen makes them."""
    config = example_gen_pb2.SplitConfig(partition_feature_name=column)
    buckets = []
    for name, share in shares.items():
        config.splits.add(name=name, hash_buckets=share)
        buckets.append(share + (buckets[-1] if buckets else 0))
    partition = base_example_gen_executor._PartitionFn
    rows = {name: [] for name in shares}
    for row in range(batch.num_rows):
        number = partition(example(batch, row, empty=True), len(buckets), buckets, config)
        rows[list(shares)[number]].append(row)
    return rows


def rows_by_split(batch, shares, column):
    keys = split_assignment.keys(batch, example_encoding.examples(batch), column)
    return {name: rows.tolist() for name, rows in split_assignment.rows(keys, shares).items()}


@given(batches(max_rows=30), SHARES)
def test_rows_are_split_by_their_whole_content_as_stock_does(batch, shares):
    assert rows_by_split(batch, shares, None) == stock(batch, shares, None)


@pytest.mark.parametrize(("cells", "kind"), [(INT64, pa.int64()), (SHORT_TEXT, pa.string())], ids=["INT", "BYTES"])
@given(data=st.data(), shares=SHARES)
def test_rows_are_split_by_a_column_as_stock_does(cells, kind, data, shares):
    column = data.draw(st.lists(st.none() | cells, min_size=1, max_size=50))
    batch = pa.record_batch([pa.array(column, kind), pa.array(range(len(column)))], ["id", "other"])

    assert rows_by_split(batch, shares, "id") == stock(batch, shares, "id")


def test_every_row_is_in_one_split_and_the_shares_are_kept():
    batch = pa.record_batch([pa.array(range(20_000))], ["id"])
    rows = rows_by_split(batch, {"train": 8, "eval": 1, "test": 1}, "id")

    assert sorted(itertools.chain(*rows.values())) == list(range(20_000))
    assert {name: round(len(numbers) / 20_000, 2) for name, numbers in rows.items()} == {
        "train": 0.8,
        "eval": 0.1,
        "test": 0.1,
    }


def test_equal_cells_stay_together_also_over_batches():
    shares = {"train": 2, "eval": 1}
    first_batch = pa.record_batch([pa.array([1, 2, 3, 1]), pa.array([0, 1, 2, 3])], ["id", "row"])
    second_batch = pa.record_batch([pa.array([1, 3]), pa.array([4, 5])], ["id", "row"])
    splits_of_id = {}
    for batch in (first_batch, second_batch):
        for name, rows in rows_by_split(batch, shares, "id").items():
            for row in rows:
                splits_of_id.setdefault(batch.column(0)[row].as_py(), set()).add(name)

    assert {key: len(names) for key, names in splits_of_id.items()} == {1: 1, 2: 1, 3: 1}


def test_a_column_that_is_not_there_is_no_split_column():
    batch = pa.record_batch([pa.array([1]), pa.array([2])], ["id", "other"])
    with pytest.raises(UserError, match=r"lacks column 'missing', which divides it\. Known columns: id, other"):
        split_assignment.keys(batch, example_encoding.examples(batch), "missing")


def test_another_salt_divides_the_rows_differently():
    keys = pa.array([str(number).encode() for number in range(1000)])
    plain, salted = (split_assignment.rows(keys, {"train": 8, "test": 2}, salt) for salt in ("", "a"))

    assert set(plain["test"]) != set(salted["test"])
    assert sorted([*salted["train"], *salted["test"]]) == list(range(1000))
    np.testing.assert_array_equal(split_assignment.rows(keys, {"train": 8, "test": 2}, "a")["test"], salted["test"])
    prefixed = pa.array([b"a" + key.as_py() for key in keys])
    np.testing.assert_array_equal(split_assignment.rows(prefixed, {"train": 8, "test": 2})["test"], salted["test"])
