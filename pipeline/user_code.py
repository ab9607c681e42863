"""Import and inspection of user code, with errors that name file and line."""

import ast
import difflib
import importlib
import os
import traceback
from collections.abc import Iterable, Iterator
from types import ModuleType

import project
from errors import UserError


def check_function(path: str) -> None:
    """Check that a function of the user exists, without importing its module, which may need TensorFlow.

    Args:
        path: Its dotted path below the project or the repository, module and function.

    Raises:
        UserError: the module or the function does not exist, or the module is not Python.
    """
    module, dot, name = path.rpartition(".")
    if not dot:
        raise UserError(f"{path!r} must name a module and a function in it, as my_module.{path or 'function'}")
    file = project.source(module)
    if file is None:
        stem, top = os.path.join(*module.split(".")), module.partition(".")[0]
        if project.is_of_repository(top) and os.path.isfile(os.path.join(project.folder(), f"{stem}.py")):
            raise UserError(
                f"{path!r}: {top} is a package of the pipeline itself, so {stem}.py of {project.folder()} cannot be "
                "imported: rename its folder"
            )
        raise UserError(f"{path!r} names the module {module}, but there is no file {stem}.py in {project.folder()}")
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except SyntaxError as error:
        raise UserError(f"{project.shown(file)}, line {error.lineno}: this is not Python: {error.msg}") from error
    defined = sorted(set(names(tree)))
    if name not in defined:
        raise UserError(f"{project.shown(file)} defines no {name!r}.{close(name, defined)}")


def location(path: str) -> str:
    """Return file and line of a function of the user, given its dotted path; empty if there is none."""
    module, _, name = path.rpartition(".")
    file = project.source(module)
    if file is None:
        return ""
    with open(file, "rb") as source:
        body = ast.parse(source.read()).body
    lines = [node.lineno for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
    return f"{project.shown(file)}{f', line {lines[-1]}' if lines else ''}"


def close(name: str, candidates: Iterable[str]) -> str:
    """Return ' Did you mean ...?' if a known name is similar, as a sentence to append."""
    matches = difflib.get_close_matches(name, sorted(candidates), n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module defines or imports at its top level."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def load(module: str) -> ModuleType:
    """Import a module by its dotted path.

    Raises:
        UserError: it does not import; names the innermost line of the project or the repository.
    """
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        origin = place(error)
        if isinstance(error, SyntaxError) and error.filename:
            origin = f"{project.shown(error.filename)}, line {error.lineno}"
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UserError(f"{module} does not import: {type(error).__name__}: {reason} ({origin})") from error


def place(error: BaseException) -> str:
    """Return file and line in project or repository where an error was raised or passed through; empty for neither."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if project.base_of(frame.filename)]
    user_frames = [frame for frame in frames if f"{os.sep}.venv{os.sep}" not in frame.filename]
    return f"{project.shown(user_frames[-1].filename)}, line {user_frames[-1].lineno}" if user_frames else ""
