"""A PostgreSQL database whose tables another process is creating."""

from typing import Any

import pytest

from errors import ResourceError
from inspection.store import metadata_store

URL = "postgresql://owner:s3cret@127.0.0.1:1/runs"


@pytest.mark.parametrize(
    "message",
    [
        'PostgreSQL error: ERROR:  duplicate key value violates unique constraint "pg_database_datname_index"',
        'PostgreSQL error: ERROR:  relation "type" already exists',
        "There are a subset of tables in MLMD instance. This may be due to concurrent connection.",
    ],
)
def test_it_is_waited_for(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    outcomes = [RuntimeError(message), RuntimeError(message), "opened"]

    def opened(_: Any) -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(metadata_store, "MetadataStore", opened)
    monkeypatch.setattr(metadata_store.time, "sleep", lambda _: None)

    assert metadata_store.open_store("unused", URL).mlmd == "opened"


def test_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_: Any) -> Any:
        raise RuntimeError("There are a subset of tables in MLMD instance.")

    monkeypatch.setattr(metadata_store, "MetadataStore", opened)
    monkeypatch.setattr(metadata_store, "_TABLES_SECONDS", 0.3)
    with pytest.raises(ResourceError, match="cannot be opened: There are a subset of tables"):
        metadata_store.open_store("unused", URL)
