"""Writer of gzipped TFRecord files without TensorFlow.

Format (tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details"): length, masked CRC-32C of the length,
data, masked CRC-32C of the data.
"""

import collections
import hashlib
import itertools
import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

import google_crc32c
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

GZIP_LEVEL = 1
"""A fast level: a record file is read a few times and then deleted."""
WAITING = 2
"""Maximum number of blocks in the queue for compression: limits memory."""

_GZIP_CONTAINER = 16 + zlib.MAX_WBITS


def cut(texts: pa.Array) -> list[bytes]:
    """Split a binary array without nulls into a list of bytes, several times faster than `to_pylist`."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return []
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    # A slice has the data of the whole array.
    text = data.slice(ends[0], ends[-1] - ends[0]).to_pybytes() if data is not None else b""
    return [text[start:end] for start, end in itertools.pairwise((ends - ends[0]).tolist())]


def framed(records: pa.Array, texts: Sequence[bytes] | None = None) -> pa.Array:
    """Put TFRecord framing around each record.

    Args:
        records: Binary array without nulls.
        texts: `records` as Python objects, if they exist already.

    Returns:
        Binary array; the concatenation of its cells is the content of a file.
    """
    lengths = pc.binary_length(records).dictionary_encode()
    heads = pa.array(map(_head, lengths.dictionary.to_pylist()), pa.binary())
    crcs = np.fromiter(map(google_crc32c.value, cut(records) if texts is None else texts), np.uint32, len(records))
    masked = (((crcs >> np.uint32(15)) | (crcs << np.uint32(17))) + np.uint32(0xA282EAD8)).astype("<u4")
    offsets = np.arange(0, 4 * len(records) + 1, 4, dtype=np.int32)
    tails = pa.Array.from_buffers(
        pa.binary(), len(records), [None, pa.py_buffer(offsets), pa.py_buffer(masked.tobytes())]
    )
    return pc.binary_join_element_wise(pc.take(heads, lengths.indices), records, tails, pa.scalar(b"", pa.binary()))


def frame(records: Sequence[bytes]) -> bytes:
    """Put records into TFRecord framing and concatenate them."""
    return joined(framed(pa.array(records, pa.binary()), records))


def joined(texts: pa.Array) -> bytes:
    """Concatenate the cells of a binary array."""
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return b""
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    content: bytes = data.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes()
    return content


def masked_crc(text: bytes) -> int:
    """Return the masked CRC-32C of bytes, as TFRecord framing requires."""
    crc: int = google_crc32c.value(text)
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def _head(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked_crc(packed))


def deflate() -> Any:
    """Return the module that compresses: isal, several times as fast as zlib, with files of the same size and format.

    Its bytes may differ between kinds of processors, unlike the content after decompression.
    """
    try:
        from isal import isal_zlib
    except ImportError:
        # An environment that was set up before uv.lock contained it.
        return zlib
    return isal_zlib


class RecordWriter:
    """Writer of gzipped TFRecord framing to an open binary file, which it closes; compresses in a separate thread.

    Args:
        file: Binary file to write to.

    Attributes:
        digest: BLAKE2b of the written file, 32 bytes as hexadecimal digits; complete after `close`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gzip = deflate().compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_CONTAINER)
        self._hash = hashlib.blake2b(digest_size=32)
        self._thread = ThreadPoolExecutor(1)
        self._waiting: collections.deque[Future[Any]] = collections.deque()

    @property
    def digest(self) -> str:
        """Return the digest of the bytes in the file."""
        return self._hash.hexdigest()

    def write(self, records: Sequence[bytes]) -> None:
        """Append records."""
        self.write_framed(frame(records))

    def write_framed(self, content: bytes) -> None:
        """Append records that already have TFRecord framing."""
        if len(self._waiting) == WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(lambda: self._put(self._gzip.compress(content))))

    def close(self) -> None:
        """Write the remaining blocks and close the file.

        Raises:
            OSError: a block could not be written.
        """
        with self._file, self._thread:
            for future in self._waiting:
                future.result()
            self._put(self._gzip.flush())

    def _put(self, compressed: bytes) -> None:
        self._hash.update(compressed)
        self._file.write(compressed)
