"""Serialization of Arrow columns as tf.Examples, one column at a time.

A tf.Example is a map from feature name to feature, and a serialized map is the concatenation of its entries. Each
column therefore becomes an Arrow array of serialized entries, and Arrow joins them row by row, without a Python object
per cell. On both stacks entries are sorted by the bytes of their names, as in protobuf 3.20's
`SerializeToString(deterministic=True)`; protobuf 6 differs if one name is a prefix of another.

Wire format: protobuf.dev/programming-guides/encoding; messages: tensorflow/core/example/{example,feature}.proto.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data import arrow

# Field tags, (number << 3) | wire type; wire type 2 is a length and its bytes.
_EXAMPLE_FEATURES = b"\x0a"
_FEATURES_ENTRY = b"\x0a"
_ENTRY_KEY = b"\x0a"
_ENTRY_VALUE = b"\x12"
_BYTES_LIST = b"\x0a"
_FLOAT_LIST = b"\x12"
_INT64_LIST = b"\x1a"
_LIST_VALUE = b"\x0a"
_MISSING = b""
"""A feature without a list, which TFDV counts as missing; an empty list would count as a list that is too short."""

_Wrap = Callable[[bytes], bytes]
"""Wraps a serialized feature in the enclosing message."""


def varint(number: int) -> bytes:
    """Encode a 64-bit integer as a base-128 varint; a negative one as its two's complement."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(tag: bytes, body: bytes) -> bytes:
    return tag + varint(len(body)) + body


def _entry(name: bytes, feature: bytes) -> bytes:
    return _field(_FEATURES_ENTRY, _field(_ENTRY_KEY, name) + _field(_ENTRY_VALUE, feature))


def features(column: pa.Array, *, empty: bool = False) -> pa.Array:
    """Serialize each cell as a tf.train.Feature; a null becomes a feature without a list.

    Args:
        column: Floating, integer, boolean, string or binary Arrow array of n cells, or fixed-size lists of numbers
            without nulls.
        empty: Whether null becomes an empty list, as in TFX's CsvExampleGen.

    Returns:
        Binary Arrow array of n features: float_list, int64_list or bytes_list of one value, or of a list's values.
    """
    return _joined(_parts(column, lambda feature: feature, empty))


def entries(name: str, column: pa.Array) -> pa.Array:
    """Serialize each cell as a map entry of tf.train.Features, under the column's name."""
    return _joined(_parts(column, lambda feature: _entry(name.encode(), feature), False))


def examples(batch: pa.RecordBatch, *, empty: bool = False) -> pa.Array:
    """Serialize each row as a tf.train.Example.

    Args:
        batch: n rows of flat columns.
        empty: As for `features`.

    Returns:
        Binary Arrow array of n examples.
    """
    parts: list[Any] = []
    for name in sorted(batch.schema.names, key=str.encode):
        column = batch.column(batch.schema.get_field_index(name))
        parts += _parts(column, functools.partial(_entry, name.encode()), empty)
    bodies = _joined(parts)
    heads = _by_length(bodies, lambda length: _EXAMPLE_FEATURES + varint(length))
    return _joined([heads, bodies])


def _joined(parts: Sequence[Any]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.binary()))


def _parts(column: pa.Array, wrap: _Wrap, empty: bool) -> list[Any]:
    """Return the binary arrays whose concatenation is the wrapped features of a column: prefixes, then values.

    A feature ends with the bytes of its value, and its prefix depends only on their number.
    """
    kind, width = column.type, 1
    if pa.types.is_fixed_size_list(kind):
        width, column = kind.list_size, column.flatten()
        kind = column.type
    if pa.types.is_floating(kind):
        tag, values = _FLOAT_LIST, _little_endian(column)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        tag, values = _INT64_LIST, _varints(column.cast(pa.int64()))
    else:
        tag, values = _BYTES_LIST, column.cast(pa.binary())
    if width > 1:
        # Packed values of a list are contiguous.
        _, offsets, data = values.buffers()
        ends = np.frombuffer(offsets, np.int32, len(values) + 1)[::width].copy()
        values = pa.Array.from_buffers(pa.binary(), len(values) // width, [None, pa.py_buffer(ends), data])

    def before(length: int) -> bytes:
        # Floats and integers are packed; a bytes list of one value has the same layout.
        encoded = wrap(_field(tag, _field(_LIST_VALUE, bytes(length))))
        return encoded[: len(encoded) - length]

    if not column.null_count:
        return [_by_length(values, before), values]
    missing = _field(tag, b"") if empty and not pa.types.is_null(kind) else _MISSING
    heads = pc.fill_null(_by_length(values, before), wrap(missing))
    return [heads, pc.fill_null(values, b"")]


def _by_length(texts: pa.Array, function: Callable[[int], bytes]) -> pa.Array:
    """Map each string to the function's result for its length, called once per length; null stays null."""
    coded = pc.binary_length(texts).dictionary_encode()
    return pc.take(pa.array(map(function, coded.dictionary.to_pylist()), pa.binary()), coded.indices)


def _little_endian(column: pa.Array) -> pa.Array:
    """Encode each cell as four bytes of a little-endian float32, as a binary array; null stays null."""
    values = pc.fill_null(column.cast(pa.float32(), safe=False), 0.0).to_numpy(zero_copy_only=False)
    offsets = np.arange(0, 4 * len(values) + 1, 4, dtype=np.int32)
    return _masked(column, offsets, values.astype("<f4", copy=False).tobytes())


def _varints(column: pa.Array) -> pa.Array:
    """Encode each cell of an int64 array with `varint`, as a binary array; null stays null."""
    values = pc.fill_null(column, 0).to_numpy(zero_copy_only=False).view(np.uint64)
    lengths = np.ones(len(values), np.int64)
    largest = int(values.max(initial=0))
    for bit_count in range(7, largest.bit_length(), 7):
        lengths += values >= np.uint64(1 << bit_count)
    places = np.arange(int(lengths.max(initial=1)))
    digits = (values[:, None] >> (7 * places).astype(np.uint64)).astype(np.uint8) & 127
    digits |= np.where(places < lengths[:, None] - 1, 128, 0).astype(np.uint8)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return _masked(column, offsets, digits[places < lengths[:, None]].tobytes())


def _masked(column: pa.Array, offsets: np.ndarray[Any, Any], data: bytes) -> pa.Array:
    """Return a binary array of these offsets and data, with the nulls of the column."""
    masked = pa.Array.from_buffers(pa.binary(), len(column), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    return arrow.if_else(column.is_valid(), masked, pa.scalar(None, pa.binary())) if column.null_count else masked
