"""Arrow columns to serialized tf.Examples, a column at a time.

A tf.Example is a map from feature name to feature, and a serialized map is its entries one after the other. So each
column becomes one Arrow array of serialized entries, and Arrow joins them row by row: no Python object a cell. Entries
stand in the order of their names' bytes, on either stack, as protobuf 3.20's `SerializeToString(deterministic=True)`
has them; protobuf 6 differs where one name begins another.

Wire format: protobuf.dev/programming-guides/encoding; messages: tensorflow/core/example/{example,feature}.proto.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
"""A feature without a list, as stock ExampleGen writes it: TFDV counts it as missing, and a list without values as a
list that is too short."""

_Wrap = Callable[[bytes], bytes]
"""Puts a serialized feature into what is around it."""


def varint(number: int) -> bytes:
    """Base-128 varint of a 64-bit integer; a negative one as its two's complement."""
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


def features(column: pa.Array) -> pa.Array:
    """Serialize each cell as a tf.train.Feature; a null becomes a feature without a list.

    Args:
        column: Floating, integer, boolean, string or binary Arrow array of n cells.

    Returns:
        Binary Arrow array of n features: float_list, int64_list or bytes_list of one value.
    """
    return _encode(column, lambda feature: feature)


def entries(name: str, column: pa.Array) -> pa.Array:
    """Serialize each cell as a map entry of tf.train.Features, under the column's name."""
    return _encode(column, lambda feature: _entry(name.encode(), feature))


def examples(batch: pa.RecordBatch) -> pa.Array:
    """Serialize each row as a tf.train.Example.

    Args:
        batch: n rows of flat columns.

    Returns:
        Binary Arrow array of n examples.
    """
    separator = pa.scalar(b"", pa.binary())
    names = sorted(batch.schema.names, key=str.encode)
    columns = [entries(name, batch.column(batch.schema.get_field_index(name))) for name in names]
    bodies = pc.binary_join_element_wise(*columns, separator)
    heads = _by_value(pc.binary_length(bodies), lambda length: _EXAMPLE_FEATURES + varint(length))
    return pc.binary_join_element_wise(heads, bodies, separator)


def _encode(column: pa.Array, wrap: _Wrap) -> pa.Array:
    kind = column.type
    if pa.types.is_floating(kind):
        return _floats(column, wrap)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        tag, column = _INT64_LIST, column.cast(pa.int64())
    else:
        tag, column = _BYTES_LIST, column.cast(pa.binary())

    def entry(value: int | bytes | None) -> bytes:
        if value is None:
            return wrap(_MISSING)
        return wrap(_field(tag, _field(_LIST_VALUE, varint(value) if isinstance(value, int) else value)))

    return _by_value(column, entry)


def _by_value(column: pa.Array, function: Callable[[Any], bytes]) -> pa.Array:
    """Apply a Python function once to each distinct value of an Arrow array, null included."""
    coded = pc.dictionary_encode(column, null_encoding="encode")
    values = pa.array([function(value) for value in coded.dictionary.to_pylist()], pa.binary())
    return pc.take(values, coded.indices)


def _floats(column: pa.Array, wrap: _Wrap) -> pa.Array:
    """Stamp the four bytes of each float32 into copies of one template."""
    template = np.frombuffer(wrap(_field(_FLOAT_LIST, _field(_LIST_VALUE, b"\0\0\0\0"))), np.uint8)
    values = pc.fill_null(column.cast(pa.float32(), safe=False), 0.0).to_numpy(zero_copy_only=False)
    rows, width = len(values), len(template)
    stamped = np.tile(template, (rows, 1))
    stamped[:, width - 4 :] = values.astype("<f4").view(np.uint8).reshape(rows, 4)
    offsets = pa.py_buffer((np.arange(rows + 1) * width).astype(np.int32))
    filled = pa.Array.from_buffers(pa.binary(), rows, [None, offsets, pa.py_buffer(stamped.tobytes())])
    if not column.null_count:
        return filled
    return pc.if_else(column.is_valid(), filled, pa.scalar(wrap(_MISSING), pa.binary()))
