"""Digests of the contents of artifacts, so that no damaged artifact is reused.

The digest is a custom property of the artifact in ML Metadata, written when its stage finishes.
"""

import hashlib
import os
from collections.abc import Iterator

PROPERTY = "content_digest"
"""Custom property of an artifact."""
BLOCK_BYTES = 1 << 20


def of(uri: str) -> str | None:
    """Compute the digest of the names and contents of all files of an artifact.

    Args:
        uri: A folder or a file on this machine.

    Returns:
        Hex digits; None if nothing exists at this path.
    """
    if not os.path.exists(uri):
        return None
    digest = hashlib.blake2b(digest_size=16)
    for name, path in sorted(_files(uri)):
        digest.update(name.encode(errors="surrogateescape") + b"\0" + _file(path))
    return digest.hexdigest()


def damage(uri: str, expected: str) -> str | None:
    """Compare an artifact with its recorded digest.

    Args:
        uri: A folder or a file on this machine.
        expected: The recorded digest; empty if an older version of this pipeline recorded none: then the artifact only
            has to exist.

    Returns:
        "missing" or "damaged"; None if the artifact is unchanged.
    """
    actual = of(uri)
    if actual is None:
        return "missing"
    return "damaged" if expected and actual != expected else None


def _files(uri: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each file relative to the artifact, and its full path."""
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
