"""The two folders that paths start from: the repository, which holds the code, and the project, which is the user's.

Without a project of their own the user's configs, schemas, data and modules are in the repository, and both folders are
one. The project's path is in the environment, so that every process that a command starts has it too.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

REPOSITORY = os.path.dirname(os.path.abspath(__file__))
VARIABLE = "PIPELINE_PROJECT"
"""Environment variable that names the project folder."""
FILE = "pipeline-project.toml"
"""Name of the file that marks a folder as a project."""
HELP = (
    f"folder of configs, schemas, data, modules and runs (default: ${VARIABLE}, else the working folder if it holds "
    f"{FILE}, else the repository)"
)
"""Help text of --project, for all commands."""
ROOT_HELP = "folder of all runs (default: runs/ of the project folder; ./runs if that is the repository)"
"""Help text of --root, for all commands."""


def folder() -> str:
    """Return the absolute path of the project folder; the repository where there is no other."""
    return os.path.abspath(os.environ.get(VARIABLE) or REPOSITORY)


def is_separate() -> bool:
    """Return whether the project is another folder than the repository."""
    return folder() != REPOSITORY


def folders() -> list[str]:
    """Return the folders that modules are searched in, the repository first."""
    return list(dict.fromkeys([REPOSITORY, folder()]))


def use(path: str) -> None:
    """Make a folder the project of this process and of those that it starts.

    Args:
        path: Absolute path; its modules can be imported from now on.
    """
    os.environ[VARIABLE] = path
    if path not in sys.path:
        # At the end: a module of the user's must not hide one that this process imports later.
        sys.path.append(path)


def environment() -> Mapping[str, str]:
    """Return the variables with which a child process finds the code of repository and project."""
    return {"PYTHONPATH": os.pathsep.join(folders()), **({VARIABLE: folder()} if is_separate() else {})}


def source(module: str) -> str | None:
    """Return the source file of a module of the repository or the project; None for a library's module."""
    for base in folders():
        if path := _in_folder(base, module):
            return path
        if is_of_repository(module.partition(".")[0]):
            # As for Python, a package is in one folder only.
            return None
    return None


def is_of_repository(name: str) -> bool:
    """Return whether the repository has a module or package of this name at its top."""
    return _in_folder(REPOSITORY, name) is not None


def _in_folder(base: str, module: str) -> str | None:
    stem = os.path.join(base, *module.split("."))
    return next((path for path in (f"{stem}.py", os.path.join(stem, "__init__.py")) if os.path.isfile(path)), None)


def base_of(path: str) -> str | None:
    """Return which of the two folders holds a file, the inner one where they are nested; None for neither."""
    holding = [base for base in folders() if path.startswith(base + os.sep)]
    return max(holding, key=len, default=None)


def portable(paths: Any) -> Any:
    """Make paths inside the project relative to it, so that cache keys are equal in a copy of the project.

    Args:
        paths: A path or pattern, several, or those of each split; None stays None.

    Returns:
        The paths in the same structure. A path outside the project, or a URI, is not changed.
    """
    if isinstance(paths, str):
        inside = paths.startswith(folder() + os.sep)
        return os.path.relpath(paths, folder()) if inside else paths
    if isinstance(paths, Mapping):
        return {key: portable(part) for key, part in paths.items()}
    return None if paths is None else [portable(path) for path in paths]


def absolute(path: str) -> str:
    """Return the path that `portable` made relative; an absolute path or a URI stays as it is."""
    return path if "://" in path else os.path.join(folder(), path)


def shown(path: str) -> str:
    """Return a path as messages name it: relative to the folder that holds it, else as it is."""
    base = base_of(path)
    return path if base is None else os.path.relpath(path, base)
