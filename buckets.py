"""Files in buckets: gs://, s3:// and minio://, through one client.

    gs://      Google's application default credentials; STORAGE_EMULATOR_HOST names another server, without any
    s3://      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION, or the role of the machine
               or pod; AWS_ENDPOINT_URL names another server
    minio://   as s3://; the server is AWS_ENDPOINT_URL, else that of Kubeflow

A folder exists as long as an object's name starts with its name and a slash. Some tools, such as TensorFlow, write an
empty object whose name ends with a slash to mark a folder; it is no file here. No message contains a credential.
"""

import contextlib
import functools
import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

from spec.artifacts import atomic_files
from spec.rows.data_paths import is_remote

Store: TypeAlias = Any
"""A store of obstore, for one bucket."""

SCHEMES = ("gs", "s3", "minio")
RETRIES = 6
"""Repetitions of a request that failed at the server, 0.1 s, 0.2 s, ... apart."""
RETRY_SECONDS = 60
MINIO_URL = "http://minio-service.kubeflow:9000"
"""The server of minio:// without AWS_ENDPOINT_URL: Kubeflow's default store in its default namespace."""
REGION = "us-east-1"
"""The region without AWS_REGION; a server other than AWS ignores it."""
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_ENVIRONMENT = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "STORAGE_EMULATOR_HOST")
"""Variables that decide which server a store talks to, and as whom."""
ACCESS = (*_ENVIRONMENT, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS")
"""Variables of the environment that a process needs to use the same buckets."""
_BLOCK_BYTES = 8 << 20


class BucketError(OSError):
    """A bucket cannot be used; the message says which object, why, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


def read(uri: str) -> bytes:
    """Read an object.

    Raises:
        FileNotFoundError: it does not exist.
        BucketError: the bucket cannot be used.
    """
    store, key = parts(uri)
    with errors(uri):
        return bytes(store.get(key).bytes())


def write(uri: str, content: bytes, *, new: bool = False) -> None:
    """Write an object, which appears as a whole.

    Args:
        uri: The object.
        content: Content of the object.
        new: Whether it must not exist: of several writers, only one succeeds.

    Raises:
        FileExistsError: `new`, and it exists.
        BucketError: the bucket cannot be used.
    """
    store, key = parts(uri)
    with errors(uri):
        store.put(key, content, mode="create" if new else "overwrite")


def exists(uri: str) -> bool:
    """Return whether an object with exactly this name exists; a folder is no object."""
    with contextlib.suppress(FileNotFoundError):
        return bool(stamp(uri))
    return False


def names(uri: str) -> list[str]:
    """List the names directly in a folder, of objects and of folders, sorted; empty if the folder does not exist."""
    store, key = parts(uri)
    with errors(uri):
        listing = store.list_with_delimiter(key or None)
        paths = [*listing["common_prefixes"], *(file["path"] for file in _files(store, listing["objects"], key))]
    return sorted({path.rpartition("/")[2] for path in paths})


def files(uri: str) -> list[str]:
    """List the paths of all objects below a folder, sorted and relative to it."""
    return sorted(stamps(uri))


def stamps(uri: str) -> dict[str, str]:
    """Return the objects below a folder: path relative to it -> its entity tag or time, and its size."""
    store, key = parts(uri)
    with errors(uri):
        entries = _files(store, store.list(key or None).collect(), key)
    return {entry["path"][len(key) + 1 if key else 0 :]: _stamp(entry) for entry in entries}


def stamp(uri: str) -> str:
    """Return a stamp that changes with the content of an object; raises as `read` if it does not exist."""
    store, key = parts(uri)
    with errors(uri):
        return _stamp(store.head(key))


def remove(uri: str) -> None:
    """Remove an object, if it exists."""
    store, key = parts(uri)
    with contextlib.suppress(FileNotFoundError), errors(uri):
        store.delete(key)


def copy(source: str, target: str, *, new: bool = False) -> None:
    """Copy a file; either may be an object or a file of this machine.

    Args:
        source: The file.
        target: The copy; folders above it on this machine are created.
        new: Whether an object must not exist.
    """
    if not is_remote(target):
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        if is_remote(source):
            _download(source, target)
        else:
            shutil.copyfile(source, target)
    elif is_remote(source):
        if split(source)[:2] == split(target)[:2] and not new:
            store, key = parts(source)
            with errors(source):
                store.copy(key, split(target)[2])
        else:
            write(target, read(source), new=new)
    elif new or os.path.getsize(source) < _BLOCK_BYTES:
        with open(source, "rb") as file:
            write(target, file.read(), new=new)
    else:
        store, key = parts(target)
        with errors(target), open(source, "rb") as file:
            store.put(key, file)


def copy_folder(source: str, target: str) -> list[str]:
    """Copy all files below a folder; either may be in a bucket. Return their paths relative to the folder."""
    local = (os.path.join(inner, name) for inner, _, names in os.walk(source) for name in names)
    paths = files(source) if is_remote(source) else sorted(os.path.relpath(path, source) for path in local)
    for path in paths:
        copy(f"{source}/{path}", f"{target}/{path}")
    return paths


def blocks(uri: str) -> Iterator[bytes]:
    """Yield the bytes of an object in blocks."""
    store, key = parts(uri)
    with errors(uri):
        for block in store.get(key).stream(min_chunk_size=_BLOCK_BYTES):
            yield bytes(block)


def split(uri: str) -> tuple[str, str, str]:
    """Split a URI into scheme, bucket and name of the object.

    Raises:
        BucketError: it is not a URI of a bucket.
    """
    match = re.fullmatch(r"(\w+)://([A-Za-z0-9][A-Za-z0-9._-]*)(?:/(.*))?", uri, re.DOTALL)
    if match is None or match[1] not in SCHEMES:
        forms = ", ".join(f"{scheme}://BUCKET/PATH" for scheme in SCHEMES)
        raise BucketError(f"{uri}: is not an address of a bucket: write {forms}")
    return match[1], match[2], (match[3] or "").strip("/")


def parts(uri: str) -> tuple[Store, str]:
    """Return the client of a bucket, and the name of the object."""
    scheme, bucket, key = split(uri)
    with errors(uri):
        return _store(scheme, bucket, tuple(os.environ.get(name) for name in _ENVIRONMENT)), key


@functools.lru_cache(maxsize=64)
def _store(scheme: str, bucket: str, environment: tuple[str | None, ...]) -> Store:
    from obstore.store import GCSStore, S3Store

    variables = dict(zip(_ENVIRONMENT, environment, strict=True))
    retries = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
    if scheme == "gs":
        emulator = variables["STORAGE_EMULATOR_HOST"]
        if emulator:
            url = emulator if is_remote(emulator) else f"http://{emulator}"
            options = {"base_url": url.rstrip("/"), "client_options": {"allow_http": True}, "retry_config": retries}
            return GCSStore(bucket, credential_provider=lambda: {"token": "none", "expires_at": None}, **options)
        return GCSStore(bucket, credential_provider=_google_credentials(), retry_config=retries)
    endpoint = variables["AWS_ENDPOINT_URL"] or (MINIO_URL if scheme == "minio" else None)
    options = {"endpoint": endpoint} if endpoint else {}
    return S3Store(
        bucket,
        region=variables["AWS_REGION"] or variables["AWS_DEFAULT_REGION"] or REGION,
        client_options={"allow_http": bool(endpoint) and str(endpoint).startswith("http://")},
        retry_config=retries,
        **options,
    )


def _google_credentials() -> Any:
    """Return a function that yields access tokens of the application default credentials, of any kind."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        credentials, _ = google.auth.default(scopes=[_GOOGLE_SCOPE])
    except GoogleAuthError as error:
        raise BucketError(
            "there are no Google credentials: run `gcloud auth application-default login`, or set "
            "GOOGLE_APPLICATION_CREDENTIALS to the file of a service account"
        ) from error

    def token() -> dict[str, Any]:
        credentials.refresh(Request())
        expiry: datetime | None = credentials.expiry
        return {"token": credentials.token, "expires_at": expiry.replace(tzinfo=timezone.utc) if expiry else None}

    return token


def _files(store: Store, objects: Any, folder: str) -> list[Any]:
    """Return the objects without markers of folders.

    The client drops the slash at the end of a marker's name, so an empty object may be one: a request for the name
    without the slash then finds nothing.
    """
    files = []
    for entry in objects:
        if entry["size"] == 0:
            try:
                store.head(entry["path"])
            except FileNotFoundError:
                continue
        if entry["path"] != folder:
            files.append(entry)
    return files


def _stamp(entry: Any) -> str:
    return f"{entry['e_tag'] or entry['last_modified']} {entry['size']}"


def _download(uri: str, path: str) -> None:
    """Download an object to a file, atomically."""
    with atomic_files.opened(path) as file:
        for block in blocks(uri):
            file.write(block)


@contextlib.contextmanager
def errors(uri: str) -> Iterator[None]:
    """Turn errors of the client into errors with a remedy."""
    from obstore import exceptions

    try:
        yield
    except FileNotFoundError as error:
        if _is_missing_bucket(str(error)):
            raise BucketError(_advice(uri, str(error))) from None
        raise FileNotFoundError(2, "does not exist", uri) from None
    except exceptions.AlreadyExistsError:
        raise FileExistsError(17, "exists already", uri) from None
    except (exceptions.BaseError, ValueError) as error:
        raise BucketError(_advice(uri, str(error))) from None


def _advice(uri: str, message: str) -> str:
    """Return the cause of an error and its fix. Some errors contain the status only in their text."""
    bucket = "/".join(uri.split("/")[:3])
    if _is_missing_bucket(message):
        return f"{bucket}: this bucket does not exist: create it, or correct its name"
    if "403 Forbidden" in message:
        return f"{uri}: permission denied: let this account list, read, create and delete objects of {bucket}"
    if "401 Unauthorized" in message:
        return f"{uri}: the credentials are missing or no longer valid: renew them, or correct their variables"
    # The text after the first sentence describes internals of the client.
    return f"{uri}: {' '.join(message.partition('Debug source:')[0].split())[:400] or 'the request failed'}"


def _is_missing_bucket(message: str) -> bool:
    return "NoSuchBucket" in message or "bucket does not exist" in message
