"""Gzipped TFRecord files, written without TensorFlow.

Format: tensorflow.org/tutorials/load_data/tfrecord ("TFRecords format details"): length, its masked CRC-32C, the
bytes, their masked CRC-32C.
"""

import struct
import zlib
from typing import BinaryIO

import google_crc32c
import numpy as np

GZIP_LEVEL = 1
"""Fastest: a record file is read a few times and then thrown away."""

_GZIP_CONTAINER = 16 + zlib.MAX_WBITS


def frame(records: list[bytes]) -> bytes:
    """Put records into TFRecord framing, one after the other."""
    lengths = [struct.pack("<Q", len(record)) for record in records]
    parts: list[bytes] = [b""] * (4 * len(records))
    parts[0::4] = lengths
    parts[1::4] = _masked_crcs(lengths)
    parts[2::4] = records
    parts[3::4] = _masked_crcs(records)
    return b"".join(parts)


def masked_crc(text: bytes) -> int:
    """The masked CRC-32C of one text, as TFRecord framing has it."""
    crc: int = google_crc32c.value(text)
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def _masked_crcs(texts: list[bytes]) -> list[bytes]:
    crcs = np.fromiter(map(google_crc32c.value, texts), np.uint32, len(texts))
    masked = ((crcs >> np.uint32(15)) | (crcs << np.uint32(17))) + np.uint32(0xA282EAD8)
    joined = masked.astype("<u4").tobytes()
    return [joined[at : at + 4] for at in range(0, len(joined), 4)]


class RecordWriter:
    """Writes gzipped TFRecord framing to an open binary file, which it closes.

    Args:
        file: Binary file to write to.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gzip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_CONTAINER)

    def write(self, records: list[bytes]) -> None:
        """Append records."""
        self._file.write(self._gzip.compress(frame(records)))

    def close(self) -> None:
        """Write what is still held back."""
        self._file.write(self._gzip.flush())
        self._file.close()
