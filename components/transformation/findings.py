"""What is wrong with a user's data or function, out of a failed transformation's error."""

import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from components.digest import ROOT
from errors import UserError
from models.transforms.cells import FINDING

_FINDING = re.compile(rf"assertion failed: \[{FINDING}: (.*?)\](?: \[(.*?)\])?\s*$", re.MULTILINE)
_BROKEN_PICTURE = re.compile(r"\{\{node \S*DecodeImage\}\}")

_NODE = re.compile(r"\[?\[?\{\{.*?\}\}\]?\]?|\[Op:.*?\]|\[while running .*?\]")
"""Where in the graph it was."""


def explain(error: BaseException, config: Mapping[str, Any]) -> UserError | None:
    """Turn an error into one for the user's eyes.

    Args:
        error: What the stage raised.
        config: The stage's settings.

    Returns:
        The column and what its cells must be, or the line of the user's function; None where neither is the cause.
    """
    own = config.get("preprocessing")
    for cause in _causes(error):
        found = _FINDING.search(str(cause))
        if found:
            value = f" {_plain(found[2])!r}" if found[2] else ""
            said = _plain(found[1])
            return UserError(f"{said}{value}. Mend or exclude such rows, or choose another role for the column")
        if _BROKEN_PICTURE.search(str(cause)):
            columns = ", ".join(repr(entry["column"]) for entry in config["features"].get("image", ()))
            reason = _NODE.sub("", str(cause)).strip().splitlines()[-1].strip()
            return UserError(f"column {columns} holds a picture that is broken ({reason}): replace or exclude it")
        line = _own_line(cause, own) if own else None
        if line:
            return UserError(f"{own} failed: {type(cause).__name__}: {cause} ({line})")
        if isinstance(cause, ValueError) and _raised_by_models(cause):
            return UserError(str(cause))
    return None


def _plain(escaped: str) -> str:
    """A text of which TensorFlow wrote quotes and all that is not ASCII as escapes."""
    return escaped.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, the first cause first."""
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        found = found.__cause__ or found.__context__
    return reversed(chain)


def _raised_by_models(error: BaseException) -> bool:
    """Whether it is a sentence of ours: models/ knows no UserError."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(os.path.join(ROOT, "models", ""))


def _own_line(error: BaseException, own: str) -> str | None:
    """Where in the user's module an error was raised, or led on from; None where it was not."""
    module = sys.modules.get(own.rpartition(".")[0])
    path = getattr(module, "__file__", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if path and frame.filename == path]
    return f"{os.path.relpath(frames[-1].filename, ROOT)}, line {frames[-1].lineno}" if frames else None
