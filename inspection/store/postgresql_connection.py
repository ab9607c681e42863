"""What ML Metadata writes and waits for while it connects to PostgreSQL."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

_CONNECT_SECONDS = "4"
"""libpq's limit for each address of a host; `localhost` has two."""


@contextlib.contextmanager
def captured(stderr: list[str]) -> Iterator[None]:
    """Limit the wait for PostgreSQL, and keep MLMD's output off the terminal and the log.

    MLMD's C++ code writes a line per connection, and the only precise reason of a failure, to file descriptor 2; it is
    captured in `stderr`. Its Python code logs the configuration with the password at DEBUG.
    """
    guard = logging.Filter()
    guard.filter = lambda record: "ConnectionConfig" not in str(record.msg)  # type: ignore[method-assign]
    limit = os.environ.get("PGCONNECT_TIMEOUT")  # libpq's variable, since MLMD's configuration has no field for it
    os.environ["PGCONNECT_TIMEOUT"] = limit or _CONNECT_SECONDS
    logging.getLogger("absl").addFilter(guard)
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            stderr.append(file.read().decode(errors="replace"))
            logging.getLogger("absl").removeFilter(guard)
            os.environ.pop("PGCONNECT_TIMEOUT")
            if limit is not None:
                os.environ["PGCONNECT_TIMEOUT"] = limit
