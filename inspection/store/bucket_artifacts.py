"""Copies of artifacts in buckets on this machine, as long as this process lives: without rows and weights."""

import atexit
import functools
import os
import re
import shutil
import tempfile

import buckets
from errors import ResourceError

_LARGE = re.compile(r"(^|/)(Split-[^/]+/[^/]+\.gz|variables/.*|Format-Serving/saved_model\.pb)$")
"""Files that no report reads: rows, and the weights and graph of a model."""


@functools.cache
def local(uri: str, name: str) -> str:
    """Return a folder of this machine with the files of an artifact, or a file if the artifact is one.

    Args:
      uri: A folder or an object.
      name: Name of the artifact in messages.

    Raises:
      ResourceError: The artifact does not exist, or the bucket cannot be used.
    """
    folder = tempfile.mkdtemp(prefix="artifact-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        paths = buckets.files(uri)
        for path in paths:
            if not _LARGE.search(path):
                buckets.copy(f"{uri}/{path}", os.path.join(folder, path))
        if not paths:
            folder = os.path.join(folder, os.path.basename(uri))
            buckets.copy(uri, folder)
    except FileNotFoundError as error:
        raise ResourceError(f"{name}: {uri} does not exist: it was deleted") from error
    except buckets.BucketError as error:
        raise ResourceError(f"{name}: {error.strerror}") from error
    return folder
