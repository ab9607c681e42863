import gzip
import io
import itertools
from pathlib import Path

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


@pytest.mark.parametrize("examples", [[], [b""], [b"a", b"", b"\0" * 1000, b"x" * 1_000_000]])
def test_tensorflow_reads_what_was_written(tmp_path, examples):
    path = tmp_path / "data.gz"
    writer = record_writer.RecordWriter(path.open("wb"))
    for record in examples:
        writer.write([record])
    writer.close()

    assert list(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()) == examples
