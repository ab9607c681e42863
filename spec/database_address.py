"""Which database a config names: SQLite by its file, PostgreSQL by its host; never with a user or a password."""

import os
import re
import urllib.parse

FORMS = '"sqlite:///FOLDER/FILE.db" (a fourth slash for an absolute path) or "postgresql://HOST/DATABASE"'
_SQLITE = "sqlite:///"
_POSTGRESQL = re.compile(r"postgres(ql)?://")


def check(database: str) -> None:
    """See that an address names a database that is read here, and no credentials.

    Args:
        database: As data.database has it.

    Raises:
        ValueError: it does not; the message does not repeat it, as it may hold a password.
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
    """Whether an address is that of an SQLite file."""
    return database.startswith(_SQLITE)


def sqlite_file(database: str, data_root: str) -> str:
    """The path of an SQLite file.

    Args:
        database: Its address.
        data_root: Folder that a relative path starts from.
    """
    return os.path.join(os.path.abspath(data_root), database[len(_SQLITE) :])


def of_file(path: str) -> str:
    """The address of an SQLite file."""
    return _SQLITE + path
