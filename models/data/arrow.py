"""The only module that opens files in Arrow's formats, because opening a file constructs the types of its columns.

A column may have an extension type, which Arrow stores as a name and bytes. The bytes of `arrow.py_extension_type` are
a pickle; pyarrow before 14.0.1 loads it and so runs code of the file's author (CVE-2023-47248). pyarrow-hotfix makes
pyarrow refuse that type, but disassembles the pickle for its message; this module never reads it, and names the column.

`if_else` is here for another reason: pyarrow's own returns wrong cells on one of the stacks.
"""

import functools
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow_hotfix  # noqa: F401  refuses pickled types from here on
from pyarrow import ipc

PICKLED = "arrow.py_extension_type"
"""The extension type whose bytes are a pickle."""
_NAME = b"ARROW:extension:name"
_lock = threading.Lock()


class PickledTypeError(ValueError):
    """Raised for a column whose type runs code when it is read."""


class _Refused(pa.ExtensionType):  # type: ignore[misc]
    """Registered in place of the pickled type; refuses to be constructed."""

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: Any, pickled: bytes) -> Any:
        raise RuntimeError(PICKLED)


def _refuse() -> None:
    pa.register_extension_type(_Refused(pa.null(), PICKLED))


if hasattr(pa, "PyExtensionType"):  # removed in pyarrow 21
    pa.unregister_extension_type(PICKLED)
    _refuse()


def parquet_file(file: Any) -> Any:
    """Open a Parquet file.

    Args:
        file: A path, or a binary file that can seek.

    Returns:
        A `pyarrow.parquet.ParquetFile`.

    Raises:
        PickledTypeError: a column has a pickled type; no code was run.
    """
    from pyarrow import parquet  # takes 0.1 s to import, which other formats do not need

    return _checked(lambda: parquet.ParquetFile(file), lambda opened: opened.schema_arrow)


def stream_reader(file: Any) -> Any:
    """Open a stream of record batches.

    Args:
        file: A path, or a binary file that can seek.

    Returns:
        A `pyarrow.ipc.RecordBatchStreamReader`.

    Raises:
        PickledTypeError: a column has a pickled type; no code was run.
    """

    def open_() -> Any:
        file.seek(0)
        return ipc.open_stream(file)

    return _checked(open_, lambda opened: opened.schema)


def streams(file: Any) -> Iterator[Any]:
    """Open the consecutive streams of a file, each after the previous one was read.

    Args:
        file: A `pyarrow.NativeFile` that can seek, at the first stream.

    Yields:
        A `pyarrow.ipc.RecordBatchStreamReader` per stream.

    Raises:
        PickledTypeError: a column has a pickled type; no code was run.
    """

    def open_at(start: int) -> Any:
        file.seek(start)
        return ipc.open_stream(file)

    while (start := file.tell()) < file.size():
        yield _checked(functools.partial(open_at, start), lambda opened: opened.schema)


def parquet_writer(path: Any, schema: pa.Schema) -> Any:
    """Create a Parquet file, by path or as an open binary file; return a `pyarrow.parquet.ParquetWriter`."""
    from pyarrow import parquet

    return parquet.ParquetWriter(path, schema)


def stream_writer(file: Any, schema: pa.Schema, compression: str | None = None) -> Any:
    """Create a stream of record batches; return a `pyarrow.ipc.RecordBatchStreamWriter`."""
    return ipc.new_stream(file, schema, options=ipc.IpcWriteOptions(compression=compression))


def _checked(open_: Any, schema_of: Any) -> Any:
    try:
        opened = open_()
    except RuntimeError as error:
        if str(error) != PICKLED:
            raise
        raise _refusal(_as_stored(open_, schema_of)) from None
    if next(_pickled(schema_of(opened)), None):  # the type may not be registered
        raise _refusal(schema_of(opened))
    return opened


def _as_stored(open_: Any, schema_of: Any) -> pa.Schema:
    """Read the schema with the type unregistered, so that such columns have their storage type."""
    with _lock:
        pa.unregister_extension_type(PICKLED)
        try:
            return schema_of(open_())
        finally:
            _refuse()


def _refusal(schema: pa.Schema) -> PickledTypeError:
    name, kind = next(_pickled(schema), ("?", "?"))
    return PickledTypeError(
        f"column {name!r} has the extension type {PICKLED!r}, a pickle that can run any code when it is read: have the "
        f"file written again with the column as plain {kind}"
    )


def _pickled(schema: pa.Schema) -> Iterator[tuple[str, str]]:
    """Yield name and storage type of each column with a pickled type, also nested in lists and structs."""
    for column in schema:
        inner = [column]
        while inner:
            field = inner.pop()
            stored = (field.metadata or {}).get(_NAME, b"").decode()
            if PICKLED in (stored, getattr(field.type, "extension_name", None)):
                yield column.name, str(getattr(column.type, "storage_type", column.type))
            inner += [field.type.field(position) for position in range(getattr(field.type, "num_fields", 0))]


def if_else(condition: Any, yes: Any, no: Any) -> Any:
    """Choose cells by a condition, as `pyarrow.compute.if_else` does.

    pyarrow 18 reads the wrong bytes of a slice of strings beside a scalar, so scalars become arrays here.

    Args:
        condition: Boolean array of n cells.
        yes: Array of n cells, or one value, for the cells where the condition holds.
        no: As `yes`, for the cells where it does not hold.

    Returns:
        Array of n cells.
    """
    from pyarrow import compute

    def cells(value: Any) -> Any:
        if isinstance(value, pa.Array | pa.ChunkedArray):
            return value
        scalar = value if isinstance(value, pa.Scalar) else pa.scalar(value)
        return pa.repeat(scalar, len(condition)) if scalar.is_valid else pa.nulls(len(condition), scalar.type)

    return compute.if_else(condition, cells(yes), cells(no))
