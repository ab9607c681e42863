import builtins
import gzip
import hashlib
import io
import itertools
import zlib
from pathlib import Path

import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.ingestion.write import record_writer


class Kept(io.BytesIO):
    """A file whose content can still be asked for after it was closed."""

    def close(self):
        self.content = self.getvalue()
        super().close()


@pytest.fixture(params=["isal", "zlib"])
def deflate(request, monkeypatch):
    """The module that compresses: that of the lock, and that of an environment from before isal was locked."""
    if request.param == "isal":
        return pytest.importorskip("isal.isal_zlib", reason="the environment was set up before uv.lock contained isal")
    imports = builtins.__import__

    def without(name, *arguments):
        if name.partition(".")[0] == "isal":
            raise ImportError(name)
        return imports(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    return zlib


@given(st.lists(st.lists(st.binary(max_size=300), max_size=10), max_size=4))
def test_frames_are_byte_for_byte_tensorflows(tmp_path_factory, batches):
    path = str(tmp_path_factory.getbasetemp() / "theirs.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for record in itertools.chain(*batches):
            writer.write(record)
    expected = Path(path).read_bytes()

    assert b"".join(record_writer.frame(batch) for batch in batches) == expected
    file = Kept()
    writer = record_writer.RecordWriter(file)
    for batch in batches:
        writer.write(batch)
    writer.close()
    assert file.closed
    assert gzip.decompress(file.content) == expected


def test_isal_compresses_where_it_is_installed(deflate):
    assert record_writer.deflate() is deflate


def test_a_file_written_twice_has_the_same_bytes_and_digest(deflate):
    files = []
    for _ in range(2):
        file = Kept()
        writer = record_writer.RecordWriter(file)
        for number in range(20):
            writer.write([b"%d" % (number * place) for place in range(1000)])
        writer.close()
        assert writer.digest == hashlib.blake2b(file.content, digest_size=32).hexdigest()
        files.append(file.content)
    assert files[0] == files[1]


@pytest.mark.parametrize("examples", [[], [b""], [b"a", b"", b"\0" * 1000, b"x" * 1_000_000]])
def test_tensorflow_reads_what_was_written(tmp_path, examples, deflate):
    path = tmp_path / "data.gz"
    writer = record_writer.RecordWriter(path.open("wb"))
    for record in examples:
        writer.write([record])
    writer.close()

    assert list(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()) == examples


def test_a_slice_is_cut_without_the_rest_of_its_array():
    texts = pa.array([b"left", b"", b"ab", b"c", b"out"])
    assert record_writer.cut(texts.slice(1, 3)) == [b"", b"ab", b"c"]
    assert record_writer.cut(texts.slice(5)) == []
    assert record_writer.cut(texts) == texts.to_pylist()
