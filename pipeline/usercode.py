"""Imports code that a user may have edited, and says where it breaks."""

import importlib
import os
import traceback
from types import ModuleType

from errors import UserError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(module: str) -> ModuleType:
    """Import a module by its dotted path.

    Raises:
        UserError: it does not import; names the innermost line of this repository.
    """
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(ROOT)]
        ours = [frame for frame in frames if f"{os.sep}.venv{os.sep}" not in frame.filename]
        path, line = ours[-1].filename, ours[-1].lineno
        if isinstance(error, SyntaxError) and error.filename:
            path, line = error.filename, error.lineno
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        where = f"{os.path.relpath(path, ROOT)}, line {line}"
        raise UserError(f"{module} does not import: {type(error).__name__}: {reason} ({where})") from error
