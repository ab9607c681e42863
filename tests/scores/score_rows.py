"""Reads the rows that a run divided, so that a plain model is fitted and measured on the very same."""

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
    """All tf.Examples of a Split-* folder as a table; None where a cell is missing.

    Args:
        folder: With gzipped TFRecord files.
    """
    from tensorflow.core.example.example_pb2 import Example

    table = []
    for file in sorted(folder.iterdir()):
        for record in _records(gzip.decompress(file.read_bytes())):
            cells = Example.FromString(record).features.feature
            table.append({name: _value(cell) for name, cell in cells.items()})
    return pd.DataFrame(table)


def pixels(images: Any) -> np.ndarray[Any, Any]:
    """Encoded pictures of one size to float64 (rows, pixels) in [0, 1]."""
    from PIL import Image

    return np.stack([np.asarray(Image.open(io.BytesIO(image)).convert("L")).ravel() for image in images]) / 255.0


def _value(cell: Any) -> Any:
    kind = cell.WhichOneof("kind")
    return getattr(cell, kind).value[0] if kind else None


def _records(content: bytes) -> Iterator[bytes]:
    """TFRecord framing: length, its checksum, the bytes, their checksum."""
    at = 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        yield content[at + _LENGTH_AND_CRC : at + _LENGTH_AND_CRC + length]
        at += _LENGTH_AND_CRC + length + _CRC
