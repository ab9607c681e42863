"""Training rows that an exported model carries to explain predictions."""

import json

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from models.data import column_cache
from models.export import background_rows
from spec.file_names import BACKGROUND

ANY = tf.io.VarLenFeature
SPEC = {
    "n": ANY(tf.int64),
    "a b": tf.io.FixedLenFeature([1], tf.float32),
    "text": ANY(tf.string),
    "photo": ANY(tf.string),
}
INPUTS = {"n": "n", "a_b": "a b", "text": "text", "photo": "photo"}


def example(number):
    example_proto = tf.train.Example()
    features = example_proto.features.feature
    features["a b"].float_list.value.append(number / 10)
    features["photo"].bytes_list.value.append(b"\x00" * 9)
    if number % 3:
        features["n"].int64_list.value.append(number)
    features["text"].bytes_list.value.append(b"\xff" if number == 1 else f"t{number}".encode())
    return example_proto.SerializeToString()


@pytest.fixture
def files(tmp_path):
    """Two files of 100 and 300 records."""
    paths = []
    for name, numbers in (("one.gz", range(100)), ("two.gz", range(100, 400))):
        paths.append(str(tmp_path / name))
        with tf.io.TFRecordWriter(paths[-1], "GZIP") as writer:
            for number in numbers:
                writer.write(example(number))
    return paths


def written(tmp_path, files, spec=SPEC, images=("photo",)):
    inputs = {name: column for name, column in INPUTS.items() if column in spec}
    count = background_rows.write(str(tmp_path), inputs, spec, files, images)
    content = json.loads((tmp_path / BACKGROUND).read_text())
    assert content["rows"] == count
    return {column_content["name"]: column_content for column_content in content["inputs"]}


def test_rows_are_spread_over_all_files(tmp_path, files):
    entries = written(tmp_path, files)
    numbers = [round(10 * cell) for cell in entries["a_b"]["cells"]]
    assert len(numbers) == background_rows.ROWS
    assert set(np.diff(numbers)) <= {6, 7}
    assert (min(numbers) < 7, max(numbers) > 392) == (True, True)
    assert entries["a_b"] == {"name": "a_b", "column": "a b", "dtype": "float32", "cells": entries["a_b"]["cells"]}
    assert entries["n"]["cells"] == [number if number % 3 else None for number in numbers]
    assert entries["text"]["cells"] == [f"t{number}" for number in numbers]


def test_images_and_long_texts_and_vectors_are_left_out_with_the_reason(tmp_path, files, monkeypatch):
    assert written(tmp_path, files)["photo"]["reason"] == "it holds encoded images"
    assert "cells" not in written(tmp_path, files)["photo"]
    monkeypatch.setattr(background_rows, "TEXT_BYTES", 3)
    assert "longer than 1024 bytes" in written(tmp_path, files)["text"]["reason"]
    wide = {**SPEC, "a b": tf.io.FixedLenFeature([2], tf.float32)}
    assert written(tmp_path, files, wide)["a_b"]["reason"] == "it holds several values in a row"


def test_bytes_that_are_no_text_are_kept(tmp_path, files, monkeypatch):
    monkeypatch.setattr(background_rows, "ROWS", 400)
    cells = written(tmp_path, files)["text"]["cells"]
    assert cells[:3] == ["t0", {"b64": "/w=="}, "t2"]


def test_a_model_of_images_only_reads_no_rows(tmp_path):
    entries = written(tmp_path, ["/does/not/exist.gz"], {"photo": SPEC["photo"]})
    assert entries["photo"]["reason"] == "it holds encoded images"


def test_columns_beside_the_records_give_the_same_rows(tmp_path, files, monkeypatch):
    expected = written(tmp_path, files)
    batches = {}
    for path, numbers in zip(files, (np.arange(100), np.arange(100, 400)), strict=True):
        table = pa.record_batch(
            [
                pa.array([int(n) if n % 3 else None for n in numbers], pa.int64()),
                pa.array(numbers / 10, pa.float32()),
                pa.array([f"t{n}".encode() for n in numbers], pa.binary()),
            ],
            ["n", "a b", "text"],
        )
        batches[path] = [table.slice(start, 30) for start in range(0, len(table), 30)]
    monkeypatch.setattr(column_cache, "rows", lambda path: float(sum(map(len, batches[path]))))
    monkeypatch.setattr(column_cache, "batches", lambda path: iter(batches[path]))
    monkeypatch.setattr(tf.data, "TFRecordDataset", None)
    assert written(tmp_path, files) == expected
