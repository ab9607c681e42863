"""Address of a database: a file for SQLite, host and database for PostgreSQL; without user and password."""

import os
import re
import urllib.parse

FORMS = '"sqlite:///FOLDER/FILE.db" (a fourth slash for an absolute path) or "postgresql://HOST/DATABASE"'
_SQLITE = "sqlite:///"
_POSTGRESQL = re.compile(r"postgres(ql)?://")


def check(database: str) -> None:
    """Check that an address names a supported database and contains no credentials.

    Args:
        database: Value of data.database.

    Raises:
        ValueError: The address is invalid. The message does not quote it, because it may contain a password.
    """
    if is_sqlite(database):
        if not database[len(_SQLITE) :] or "?" in database:
            raise ValueError(f"name the database's file and nothing else: {FORMS}")
        return
    if not _POSTGRESQL.match(database):
        raise ValueError(f"expected {FORMS}")
    parts = urllib.parse.urlsplit(database)
    if "@" in parts.netloc or re.search(r"(?i)(^|&)(user|pass\w*)=", parts.query):
        raise ValueError(
            "user and password are read from the environment, so that they are in no file and no log: write "
            '"postgresql://HOST/DATABASE", and set PGUSER and PGPASSWORD, or PGPASSFILE'
        )
    if not parts.hostname or not parts.path.strip("/"):
        raise ValueError('name host and database: "postgresql://HOST/DATABASE"')


def is_sqlite(database: str) -> bool:
    """Whether an address names an SQLite file."""
    return database.startswith(_SQLITE)


def sqlite_file(database: str, data_root: str) -> str:
    """Return the absolute path of an SQLite file.

    Args:
        database: Address of the database.
        data_root: Folder that a relative path is resolved against.
    """
    return os.path.join(os.path.abspath(data_root), database[len(_SQLITE) :])


def of_file(path: str) -> str:
    """Return the address of an SQLite file."""
    return _SQLITE + path
