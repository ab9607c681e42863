import numpy as np
import pytest
import tensorflow as tf

from components.transformation import raw_tensors

COLUMNS = {
    "whole": [5, -1, 3, 2**40, 0],
    "number": [0.5, None, float("inf"), 1e-30, None],
    "word": ["a", "", None, "日本", "a"],
    "id": [f"row {place}" for place in range(5)],
    "absent": [None, None, None, None, 7],
    "flag": [True, False, True, True, False],
}
SPEC = {
    "whole": tf.io.FixedLenFeature([1], tf.int64),
    "number": tf.io.VarLenFeature(tf.float32),
    "word": tf.io.VarLenFeature(tf.string),
    "id": tf.io.FixedLenFeature([], tf.string),
    "absent": tf.io.VarLenFeature(tf.int64),
    "flag": tf.io.FixedLenFeature([1], tf.int64),
    "nowhere": tf.io.VarLenFeature(tf.string),
}


def dense(value):
    if not isinstance(value, tf.SparseTensor):
        return value.numpy().tolist()
    cells = value.values.numpy().tolist()
    return value.indices.numpy().tolist(), cells, value.dense_shape.numpy().tolist()


def test_columns_make_the_tensors_that_records_make(tmp_path, write_examples):
    plain = write_examples(tmp_path / "plain" / "Split-train" / "data.gz", COLUMNS)
    beside = write_examples(tmp_path / "beside" / "Split-train" / "data.gz", COLUMNS, beside=True)
    [(number, expected)] = raw_tensors.tensors(str(plain), SPEC)
    (first_rows, first_batch), (second_rows, second_batch) = raw_tensors.tensors(str(beside), SPEC)
    records = list(tf.data.TFRecordDataset(str(plain), "GZIP").as_numpy_iterator())

    for batch, part in ((first_batch, records[:1]), (second_batch, records[1:])):
        assert {name: dense(value) for name, value in batch.items()} == {
            name: dense(value) for name, value in tf.io.parse_example(part, SPEC).items()
        }
    assert (number, first_rows, second_rows) == (5, 1, 4)
    assert expected["whole"].dtype == first_batch["whole"].dtype
    assert sum(len(batch["id"]) for batch in (first_batch, second_batch)) == len(expected["id"]) == 5


def test_many_equal_texts_are_those_of_the_records(tmp_path, write_examples):
    words = np.random.default_rng(1).choice(["x", "yy", "", "ü"], 500).tolist()
    path = write_examples(tmp_path / "Split-train" / "data.gz", {"word": words}, beside=True)
    batches = list(raw_tensors.tensors(str(path), {"word": tf.io.FixedLenFeature([1], tf.string)}))

    assert [cell.decode() for _, batch in batches for [cell] in batch["word"].numpy()] == words


@pytest.mark.parametrize(("name", "kind"), [("number", tf.float32), ("whole", tf.string)])
def test_a_cell_that_the_schema_forbids_is_named(tmp_path, write_examples, name, kind):
    path = write_examples(tmp_path / "Split-train" / "data.gz", COLUMNS, beside=True)

    with pytest.raises(tf.errors.InvalidArgumentError, match=name):
        list(raw_tensors.tensors(str(path), {name: tf.io.FixedLenFeature([1], kind)}))


def test_rules_beyond_one_value_a_row_are_read_from_the_records(tmp_path, write_examples):
    path = write_examples(tmp_path / "Split-train" / "data.gz", COLUMNS, beside=True)
    [(_, batch)] = raw_tensors.tensors(
        str(path), {"number": tf.io.FixedLenFeature([1], tf.float32, default_value=[-1.0])}
    )

    assert batch["number"].numpy()[1].tolist() == [-1.0]
