"""Checks of the code that a run imports. It is parsed and not imported, because TensorFlow takes long to start."""

import ast
import functools
import importlib.util
import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import project
from components.fingerprints import parsed_sources
from pipeline import user_code

OURS = ("models.transform_graph.preprocessing", "models.training.run_fn")
"""Modules that every run imports and that a user may have edited."""


_RULES = parsed_sources.rules(__file__)


class _Import(NamedTuple):
    """An import statement.

    Attributes:
        line: Its line.
        names: Names that it imports.
        module: The module after `from`; None if there is none.
        level: Number of dots before it.
        is_from: Whether it begins with `from`.
    """

    line: int
    names: list[str]
    module: str | None
    level: int
    is_from: bool


def check(modules: Iterable[str]) -> list[str]:
    """Check that modules, and those of project and repository that they import, are Python and their imports exist.

    Args:
        modules: Dotted paths.

    Returns:
        Findings: file, line and reason.
    """
    findings: list[str] = []
    waiting, checked = list(dict.fromkeys([*OURS, *modules])), set()
    while waiting:
        module = waiting.pop(0)
        path = project.source(module)
        if path is None or module in checked:
            continue
        checked.add(module)
        display_path = project.shown(path)
        try:
            imports, _ = _module(path)
        except SyntaxError as error:
            findings.append(f"{display_path}, line {error.lineno}: this is not Python: {error.msg}")
            continue
        except (OSError, ValueError) as error:
            findings.append(f"{display_path} cannot be read: {error}")
            continue
        package = module if os.path.basename(path) == "__init__.py" else module.rpartition(".")[0]
        for node in imports:
            missing = list(_missing(node, package))
            findings += [f"{display_path}, line {node.line}: {reason}" for reason in missing]
            waiting += _imported_modules(node, package)
    parsed_sources.save()
    return findings


def _imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that must work, without those in a `try` or for type checking."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.Try) and not (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ):
            yield from _imports(node)


def _imported_modules(node: _Import, package: str) -> list[str]:
    """Return the modules that an import may load."""
    if not node.is_from:
        return node.names
    base = _base(node, package)
    return [base, *(f"{base}.{name}" for name in node.names)]


def _base(node: _Import, package: str) -> str:
    above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
    return ".".join(part for part in (above, node.module) if part)


def _missing(node: _Import, package: str) -> Iterator[str]:
    if not node.is_from:
        yield from (f"there is no module {name!r}" for name in node.names if not _exists(name))
        return
    base = _base(node, package)
    if not _exists(base):
        yield f"there is no module {base!r}"
        return
    path = project.source(base)
    names = _defined(path) if path is not None else None
    for name in node.names:
        if names is not None and name not in names and not _exists(f"{base}.{name}"):
            yield f"{base} defines no {name!r}.{user_code.close(name, names)}"


def _exists(module: str) -> bool:
    """Return whether a module exists; for a library only its top-level name is checked, which imports nothing."""
    top_level = module.partition(".")[0]
    if _is_ours(top_level):
        return project.source(module) is not None or any(map(os.path.isdir, _stems(module)))
    return _is_installed(top_level)


@functools.cache
def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _is_ours(top_level: str) -> bool:
    return any(os.path.isfile(f"{stem}.py") or os.path.isdir(stem) for stem in _stems(top_level))


def _stems(module: str) -> list[str]:
    return [os.path.join(base, *module.split(".")) for base in project.folders()]


def _module(path: str) -> tuple[tuple[_Import, ...], frozenset[str]]:
    """Return the imports of a module and the names at its top level.

    Raises:
        SyntaxError: it is not Python.
    """
    stat = os.stat(path)
    return _parsed(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)


@functools.lru_cache(maxsize=1024)
def _parsed(path: str, *_identity: int) -> tuple[tuple[_Import, ...], frozenset[str]]:
    with open(path, "rb") as file:
        text = file.read()
    imports, names = parsed_sources.cached(_RULES, text, lambda: _facts(text, path))
    return tuple(_Import(*import_facts) for import_facts in imports), frozenset(names)


def _facts(text: bytes, path: str) -> list[Any]:
    """Return the imports of a source, as the fields of `_Import`, and the names at its top level."""
    tree = ast.parse(text, path)
    compile(tree, path, "exec", dont_inherit=True)
    names = {"__file__", "__name__", "__doc__", "__path__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    imports = []
    for node in _imports(tree):
        is_from = isinstance(node, ast.ImportFrom)
        base = (node.module, node.level) if isinstance(node, ast.ImportFrom) else (None, 0)
        imports.append([node.lineno, [alias.name for alias in node.names], *base, is_from])
    return [imports, sorted(names)]


def _defined(path: str) -> frozenset[str] | None:
    """Return the names at a module's top level; None if they are only known at run time."""
    try:
        _, names = _module(path)
    except (OSError, SyntaxError, ValueError):
        return None
    return None if {"*", "__getattr__"} & names else names
