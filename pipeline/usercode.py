"""Imports code that a user may have edited, and says where it breaks."""

import ast
import difflib
import importlib
import os
import traceback
from collections.abc import Iterable, Iterator
from types import ModuleType

from errors import UserError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def check_function(path: str) -> None:
    """See that a function of the user's own is there, without importing its module, which may need TensorFlow.

    Args:
        path: Its dotted path below the repository, module and function.

    Raises:
        UserError: there is no such module or function, or the module is no Python.
    """
    module, dot, name = path.rpartition(".")
    if not dot:
        raise UserError(f"{path!r} must name a module and a function in it, as my_module.{path or 'function'}")
    stem = os.path.join(*module.split("."))
    files = [file for file in (f"{stem}.py", os.path.join(stem, "__init__.py")) if os.path.isfile(_absolute(file))]
    if not files:
        raise UserError(f"{path!r} names the module {module}, but there is no file {stem}.py in the repository")
    try:
        with open(_absolute(files[0]), "rb") as source:
            tree = ast.parse(source.read())
    except SyntaxError as error:
        raise UserError(f"{files[0]}, line {error.lineno}: this is not Python: {error.msg}") from error
    known = sorted(set(_names(tree)))
    if name not in known:
        raise UserError(f"{files[0]} defines no {name!r}.{close(name, known)}")


def close(name: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' where a known name is near, as a sentence to append."""
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def _absolute(path: str) -> str:
    return os.path.join(ROOT, path)


def _names(tree: ast.Module) -> Iterator[str]:
    """Names that a module defines or imports at its top level."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def load(module: str) -> ModuleType:
    """Import a module by its dotted path.

    Raises:
        UserError: it does not import; names the innermost line of this repository.
    """
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        where = place(error)
        if isinstance(error, SyntaxError) and error.filename:
            where = f"{os.path.relpath(error.filename, ROOT)}, line {error.lineno}"
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UserError(f"{module} does not import: {type(error).__name__}: {reason} ({where})") from error


def place(error: BaseException) -> str:
    """File and line of this repository in which an error was raised, or the call that raised it; empty for neither."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(ROOT + os.sep)]
    ours = [frame for frame in frames if f"{os.sep}.venv{os.sep}" not in frame.filename]
    return f"{os.path.relpath(ours[-1].filename, ROOT)}, line {ours[-1].lineno}" if ours else ""
