"""Versions of objects in buckets, and reads and writes that detect a concurrent writer."""

import hashlib
import mmap
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import buckets
from errors import ResourceError
from spec.artifacts import atomic_files

DIGEST = "sha256"
"""Key of an object's own metadata with the digest of its content, which `upload` writes."""
REQUESTS = 16
"""Requests at the same time; each waits for the network."""
MAX_BYTES = 5 * 10**9
"""Largest object of one request of S3; only such a request can have a precondition."""
_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class Version:
    """One version of an object.

    Attributes:
        uri: Its address.
        size: Its size in bytes.
        e_tag: Tag of its content, as the server states it.
        generation: The server's number of this version; empty if it has none, as S3 without versioning.
        digest: SHA-256 of its content in hex digits, if `upload` wrote it; else empty.
    """

    uri: str
    size: int
    e_tag: str
    generation: str
    digest: str

    @property
    def identity(self) -> str:
        """Identifier of this version, unique among the versions of all objects."""
        return f"{self.uri}\0{self.generation or self.e_tag}\0{self.size}\0{self.digest}"


class ChangedError(ResourceError):
    """An object is no longer the one that was expected."""


def version(uri: str) -> Version:
    """Return the present version of an object.

    Raises:
        FileNotFoundError: it does not exist.
        BucketError: the bucket cannot be used.
    """
    store, key = buckets.parts(uri)
    with buckets.errors(uri):
        answer = store.get(key, options={"head": True})
        meta, user_metadata = answer.meta, answer.attributes
    return Version(uri, meta["size"], meta["e_tag"] or "", meta["version"] or "", user_metadata.get(DIGEST, ""))


def versions(uris: Iterable[str]) -> list[Version]:
    """Return the present versions of objects, in their order; errors as of `version`."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(version, uris))


def write(path: str, uri: str, digest: str, replaced: Version | None) -> None:
    """Upload a file with its digest, if the object still has the expected version.

    Args:
        path: The file.
        uri: The object.
        digest: Digest of the file.
        replaced: The version that the object must have; None if it must not exist.

    Raises:
        ChangedError: another writer changed the object.
        BucketError: the bucket cannot be used.
    """
    from obstore.exceptions import PreconditionError

    size, user_metadata = os.path.getsize(path), {DIGEST: digest}
    mode: Any = "create"
    if replaced is not None:
        mode = {"e_tag": replaced.e_tag, **({"version": replaced.generation} if replaced.generation else {})}
    store, key = buckets.parts(uri)
    try:
        with buckets.errors(uri), open(path, "rb") as file:
            if size > MAX_BYTES:
                store.put(key, file, attributes=user_metadata)
            elif size:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
                    _put(store, key, view, mode, user_metadata, PreconditionError)
            else:
                _put(store, key, b"", mode, user_metadata, PreconditionError)
    except FileExistsError:
        # A retried request fails with FileExistsError if its first attempt has written the object.
        present = version(uri)
        if (present.digest, present.size) != (digest, size):
            raise ChangedError(
                f"{uri}: changed while it was uploaded: another process writes there: find it, and start again"
            ) from None


def _put(
    store: Any, key: str, content: Any, mode: Any, user_metadata: dict[str, str], refused: type[Exception]
) -> None:
    try:
        store.put(key, content, mode=mode, attributes=user_metadata, use_multipart=False)
    except refused:
        raise FileExistsError(key) from None


def read(version: Version, path: str) -> None:
    """Download one version of an object to a file atomically; verify its size and digest.

    Raises:
        ChangedError: the object has another version now, or its content does not match its digest.
        BucketError: the bucket cannot be used.
    """
    from obstore.exceptions import PreconditionError

    store, key = buckets.parts(version.uri)
    changed = (
        f"{version.uri}: changed while it was read, so the content that was read is unknown: run again when no process "
        "writes it"
    )
    digest, size = hashlib.sha256(), 0
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with buckets.errors(version.uri), atomic_files.opened(path) as file:
            try:
                blocks = store.get(key, options={"if_match": version.e_tag}).stream(min_chunk_size=_BLOCK_BYTES)
            except PreconditionError:
                raise ChangedError(changed) from None
            for block in blocks:
                content = bytes(block)
                digest.update(content)
                size += len(content)
                file.write(content)
            if size != version.size:
                raise ChangedError(changed)
            if version.digest not in ("", digest.hexdigest()):
                raise ChangedError(
                    f"{version.uri}: its content is not that of its digest {version.digest}: upload it again"
                )
    except FileNotFoundError:
        raise ChangedError(f"{version.uri}: was removed while it was read: upload it again") from None
