"""URL of the metadata store: an SQLite file or a PostgreSQL database; and the URL without its password."""

import os
import re
import urllib.parse

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError

_FORMS = "sqlite:///PATH (four slashes before an absolute path) or postgresql://USER:PASSWORD@HOST:PORT/DBNAME"
_SSL = ("sslmode", "sslcert", "sslkey", "sslrootcert")


def redact(url: str) -> str:
    """Return a URL with its password replaced by ***, also if the URL is malformed or has another scheme."""
    head, mark, address = url.partition("://")
    if not mark or not re.fullmatch(r"[\w.+-]*", head):
        head, mark, address = "", "", url
    address = re.sub(r"^([^:@]*):.*@", r"\1:***@", address, flags=re.DOTALL)
    # Without an @, the text in place of a port may be a password whose host was forgotten.
    address = re.sub(r"^([^:@/\[]*):(?!\*\*\*@|\d*(?:[/?#]|$)).*", r"\1:***", address, flags=re.DOTALL)
    return head + mark + re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", address, flags=re.IGNORECASE)


def connection_config(root: str, url: str | None) -> pb.ConnectionConfig:
    """Return the connection configuration of the store for TFX and MLMD.

    Args:
      root: The folder of all runs; without a URL, metadata.sqlite in it is the store.
      url: `sqlite:///PATH` (PATH is literal, and absolute with a fourth slash) or
        `postgresql://USER:PASSWORD@HOST:PORT/DBNAME`, each part percent-encoded, with `?sslmode=`, `sslcert=`,
        `sslkey=` or `sslrootcert=` if the server needs them.

    Raises:
      UserError: The URL has another scheme or lacks a part. No message contains the password.
    """
    config = pb.ConnectionConfig()
    if not url:
        if "://" in root:
            raise UserError(f"{root} is not on this machine's disk, so --metadata URL is required: {_FORMS}")
        config.sqlite.filename_uri = os.path.abspath(os.path.join(root, "metadata.sqlite"))
    elif url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        config.sqlite.filename_uri = os.path.abspath(url.removeprefix("sqlite:///"))
    elif url.startswith("postgresql://"):
        config.postgresql.CopyFrom(_postgresql(url))
        return config
    else:
        raise UserError(f"metadata URL {redact(url)!r} has an unknown form. Expected {_FORMS}")
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return config


def _postgresql(url: str) -> pb.PostgreSQLDatabaseConfig:
    hint = f"Expected {_FORMS}, with @ : / ? # and % inside a part percent-encoded (@ is %40)"
    try:
        parts = urllib.parse.urlsplit(url)
        port, host = parts.port or 5432, urllib.parse.unquote(parts.hostname or "")
        query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:  # not chained: its message quotes the URL
        raise UserError(f"metadata URL {redact(url)!r} is invalid. {hint}") from None
    database = urllib.parse.unquote(parts.path.removeprefix("/"))
    if not host or not database:
        raise UserError(f"metadata URL {redact(url)!r} lacks the {'database' if host else 'host'}. {hint}")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", database) or parts.fragment:
        # MLMD inserts this name into SQL without quoting.
        raise UserError(f"metadata URL {redact(url)!r}: a database name may contain letters, digits, _ and -. {hint}")
    server = pb.PostgreSQLDatabaseConfig(host=_conninfo(host), port=str(port), dbname=database)
    if parts.username:
        server.user = _conninfo(urllib.parse.unquote(parts.username))
    if parts.password:
        server.password = _conninfo(urllib.parse.unquote(parts.password))
    for key, value in query:
        if key not in _SSL:
            raise UserError(f"metadata URL {redact(url)!r}: unknown option. Known options: {', '.join(_SSL)}")
        setattr(server.ssloption, key, _conninfo(value))
    return server


def _conninfo(value: str) -> str:
    """Quote a value for libpq's connection string, as MLMD does not: a space would start another option."""
    if not re.search(r"[\s'\\]", value):
        return value
    return "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
