"""Reader of rows of an Examples artifact, without TensorFlow."""

import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError, UserError
from inspection.display_names import nearest
from inspection.store import artifact_files
from inspection.store.metadata_store import properties
from manifest import Shard

Value = list[Any]
"""Values of a feature of a row: bytes, int or float (float32)."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of a split.

    Attributes:
      artifact: The artifact's id.
      splits: All splits of the artifact.
      rows: Column -> values of each row; a null has an empty list.
    """

    artifact: int
    split: str
    splits: Sequence[str]
    rows: Sequence[dict[str, Value]]


def read_examples(artifact: pb.Artifact, *, split: str | None = None, limit: int = 10) -> Rows:
    """Read the first rows of a split.

    Args:
      artifact: An Examples artifact.
      split: The split; None for the first one.
      limit: Maximum number of rows.

    Raises:
      UserError: The split does not exist, or the rows are not tf.Examples.
      ResourceError: The files are missing or damaged.
    """
    description = f"Examples {artifact.id}"
    payload = str(properties(artifact).get("payload_format") or "FORMAT_TF_EXAMPLE")
    if payload not in ("FORMAT_TF_EXAMPLE", "6"):
        raise UserError(f"{description} is in the format {payload}. Only FORMAT_TF_EXAMPLE can be shown")
    splits = artifact_files.examples(artifact.uri, description)
    if not splits:
        raise ResourceError(f"{description}: {artifact.uri} contains no split folder")
    split = next(iter(splits)) if split is None else split
    if split not in splits:
        raise UserError(f"{description} has no split {split!r}. {nearest(split, splits)}")
    rows = list(itertools.islice(_rows(splits[split]), limit))
    return Rows(artifact=int(artifact.id), split=split, splits=tuple(splits), rows=rows)


def _rows(shards: Sequence[Shard]) -> Iterator[dict[str, Value]]:
    for shard in shards:
        for number, record in enumerate(artifact_files.rows([shard])):
            try:
                yield parse_example(record)
            except (IndexError, ValueError, struct.error, UnicodeDecodeError) as error:
                raise ResourceError(f"{shard.path}: record {number} is not a tf.Example") from error


def parse_example(record: bytes) -> dict[str, Value]:
    """Parse a serialized tf.Example.

    Raises:
      ValueError: The record is invalid; also raised as IndexError, struct.error or UnicodeDecodeError.
    """
    row: dict[str, Value] = {}
    for _, features in _fields(record, 1):
        for _, entry in _fields(features, 1):
            parts = dict(_fields(entry, 1, 2))
            row[parts.get(1, b"").decode()] = _values(parts.get(2, b""))
    return dict(sorted(row.items()))


def _values(feature: bytes) -> Value:
    values: Value = []
    for kind, packed in _fields(feature, 1, 2, 3):
        if kind == 1:
            values = [value for _, value in _fields(packed, 1)]
        elif kind == 2:
            raw = b"".join(value for _, value in _fields(packed, 1))
            values = list(struct.unpack(f"<{len(raw) // 4}f", raw))
        else:
            values = []
            for _, value in _fields(packed, 1):
                offset = 0
                while offset < len(value):
                    number, offset = _varint(value, offset)
                    values.append(number - (1 << 64) if number >> 63 else number)
    return values


def _fields(data: bytes, *field_numbers: int) -> Iterator[tuple[int, bytes]]:
    """Yield number and encoded value of fields of a message in protobuf's wire format."""
    offset = 0
    while offset < len(data):
        tag, offset = _varint(data, offset)
        start, kind = offset, tag & 7
        if kind == 0:
            _, end = _varint(data, offset)
        elif kind == 2:
            length, start = _varint(data, offset)
            end = start + length
        elif kind in (1, 5):
            end = offset + (8 if kind == 1 else 4)
        else:
            raise ValueError(f"unknown wire type {kind}")
        if end > len(data):
            raise ValueError("truncated")
        if tag >> 3 in field_numbers:
            yield tag >> 3, data[start:end]
        offset = end


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return value, offset
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
