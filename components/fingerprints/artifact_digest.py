"""Digests of what artifacts hold, so that nothing damaged is used again.

The digest is a property of the artifact in ML Metadata, written with the end of the stage that made it.
"""

import hashlib
import os
from collections.abc import Iterator

PROPERTY = "content_digest"
"""Custom property of an artifact."""
BLOCK_BYTES = 1 << 20


def of(uri: str) -> str | None:
    """Digest the names and bytes of all files of an artifact.

    Args:
        uri: A folder or a file on this machine.

    Returns:
        Hex digits; None where there is nothing.
    """
    if not os.path.exists(uri):
        return None
    whole = hashlib.blake2b(digest_size=16)
    for name, path in sorted(_files(uri)):
        whole.update(name.encode(errors="surrogateescape") + b"\0" + _file(path))
    return whole.hexdigest()


def damage(uri: str, expected: str) -> str | None:
    """Compare an artifact with the digest of the day when it was made.

    Args:
        uri: A folder or a file on this machine.
        expected: Its digest then; empty where none was taken, as by an older version of this pipeline: then it only has
            to be there.

    Returns:
        What is wrong, in a word; None where it is as it was.
    """
    found = of(uri)
    if found is None:
        return "missing"
    return "damaged" if expected and found != expected else None


def _files(uri: str) -> Iterator[tuple[str, str]]:
    """Name below the artifact, and path, of each file."""
    if os.path.isfile(uri):
        yield "", uri
    for folder, _, names in os.walk(uri):
        for name in names:
            path = os.path.join(folder, name)
            yield os.path.relpath(path, uri), path


def _file(path: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb", buffering=0) as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.digest()
