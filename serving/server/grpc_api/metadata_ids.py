"""Ids of the rows of a gRPC request, from its metadata: TensorFlow Serving's messages have no field for them."""

from collections.abc import Iterable
from typing import Any

from serving.server.statuses import RequestError

_TEXT, _BINARY = "ids", "ids-bin"


def ids(metadata: Iterable[tuple[str, Any]]) -> list[str] | None:
    """Return the ids in the order of the rows, for the log; None if the request has none.

    The key `ids` has printable ASCII: one value for each row, or values joined by commas, which are the same to gRPC.
    The key `ids-bin` has UTF-8: one value for each row, which may contain commas.

    Args:
        metadata: Keys and values of the request's metadata; values of `-bin` keys are bytes.

    Raises:
        RequestError: the request has both keys, or a value is not UTF-8.
    """
    texts: list[str] = []
    binaries: list[bytes] = []
    for key, value in metadata:
        if key == _TEXT:
            texts += [text.strip() for text in value.split(",")]
        elif key == _BINARY:
            binaries.append(value)
    if texts and binaries:
        raise RequestError(f"the metadata has {_TEXT!r} and {_BINARY!r}: send one of them, with an id for each row")
    try:
        return texts or [value.decode() for value in binaries] or None
    except UnicodeDecodeError as error:
        raise RequestError(f"metadata {_BINARY!r} must be UTF-8 texts, one for each row: {error}") from error
