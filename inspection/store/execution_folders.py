"""Names of the folders that executions write to: NODE/KEY/ID-TOKEN, and NODE/.system/*/ID-TOKEN.

An execution id is unique only within a store: another store with the same root, or a restored backup, assigns it again.
The random token, a property of the execution, makes the name unique.
"""

import re
import secrets
from typing import Any, NamedTuple

TOKEN = "folder_token"
"""Custom property of an execution."""
_NAME = re.compile(r"(\d+)(?:-([0-9a-f]{8}))?")


class Folder(NamedTuple):
    """Execution id and token of a folder; the token is empty for folders of versions without tokens."""

    execution: int
    token: str


def new_token() -> str:
    """Return a random token."""
    return secrets.token_hex(4)


def name(execution_id: int, token: str) -> str:
    """Return the name of an execution's folders."""
    return f"{execution_id}-{token}"


def of(execution: Any) -> str | None:
    """Return the name of an execution's folders; None if it has no token, so that its folders are not unique.

    Args:
      execution: Execution of ML Metadata.
    """
    if TOKEN not in execution.custom_properties:
        return None
    return name(int(execution.id), str(execution.custom_properties[TOKEN].string_value))


def parse(name: str) -> Folder | None:
    """Parse the name of an execution's folder; None for any other name."""
    match = _NAME.fullmatch(name)
    return Folder(int(match[1]), match[2] or "") if match else None
