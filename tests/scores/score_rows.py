"""Reader of the splits of a run, so that a baseline is fitted and evaluated on the same rows."""

import gzip
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Table = pd.DataFrame
_LENGTH_AND_CRC, _CRC = 12, 4


def read(folder: Path) -> Table:
    """Read all tf.Examples of a Split-* folder as a table; None for nulls.

    Args:
        folder: Folder with gzipped TFRecord files.
    """
    from tensorflow.core.example.example_pb2 import Example

    table = []
    for file in sorted(folder.iterdir()):
        for record in _records(gzip.decompress(file.read_bytes())):
            cells = Example.FromString(record).features.feature
            table.append({name: _value(cell) for name, cell in cells.items()})
    return pd.DataFrame(table)


def pixels(images: Any) -> np.ndarray[Any, Any]:
    """Decode images of one size to float64 (rows, pixels) in [0, 1]."""
    from PIL import Image

    return np.stack([np.asarray(Image.open(io.BytesIO(image)).convert("L")).ravel() for image in images]) / 255.0


def _value(cell: Any) -> Any:
    kind = cell.WhichOneof("kind")
    return getattr(cell, kind).value[0] if kind else None


def _records(content: bytes) -> Iterator[bytes]:
    """Yield the records of a TFRecord file: length, checksum, bytes, checksum."""
    at = 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        yield content[at + _LENGTH_AND_CRC : at + _LENGTH_AND_CRC + length]
        at += _LENGTH_AND_CRC + length + _CRC
