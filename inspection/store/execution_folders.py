"""Names of the folders that executions write to: NODE/KEY/ID-TOKEN, and NODE/.system/*/ID-TOKEN.

An id is unique within one store alone: another store over the same root, or an older backup of this one, gives it out
again. The token, drawn for each execution and kept with it, makes the name unique.
"""

import re
import secrets
from typing import Any, NamedTuple

TOKEN = "folder_token"
"""Custom property of an execution."""
_NAME = re.compile(r"(\d+)(?:-([0-9a-f]{8}))?")


class Folder(NamedTuple):
    """What a folder's name says: the execution and its token, which folders of earlier versions lack (empty)."""

    execution: int
    token: str


def new_token() -> str:
    """Draws a token."""
    return secrets.token_hex(4)


def name(execution_id: int, token: str) -> str:
    """Returns the name of an execution's folders."""
    return f"{execution_id}-{token}"


def of(execution: Any) -> str | None:
    """Returns the name of an execution's folders; None where no token is kept, so that they cannot be told apart.

    Args:
      execution: As ML Metadata has it.
    """
    if TOKEN not in execution.custom_properties:
        return None
    return name(int(execution.id), str(execution.custom_properties[TOKEN].string_value))


def parse(name: str) -> Folder | None:
    """Returns what the name of an execution's folder says; None for any other folder."""
    found = _NAME.fullmatch(name)
    return Folder(int(found[1]), found[2] or "") if found else None
