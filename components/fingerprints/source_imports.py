"""Static analysis of a module's source: the names that it imports, and string literals that may be file paths."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NAME = re.compile(r"[^\x00-\x1f]*[^\x00-\x1f./]\.\w{1,12}")
"""A string that may be a file path: it ends with a dot and an extension."""


class Source(NamedTuple):
    """Imports and possible file paths of one module.

    Attributes:
        imports: Imported names, and the packages above each, whose __init__ runs too.
        paths: String literals that may be file paths.
    """

    imports: frozenset[str]
    paths: frozenset[str]


def read(package: str, text: bytes) -> Source:
    """Parse the source of a module of a package."""
    tree = ast.parse(text)
    return Source(frozenset(_imports(package, tree)), frozenset(filter(may_be_path, _strings(tree))))


def _imports(package: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: 1 - node.level or None] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [stem, *(f"{stem}.{alias.name}" for alias in node.names)]
        for name in names:
            yield from with_packages(name)


def with_packages(name: str) -> Iterator[str]:
    """Yield a module and the packages above it, whose __init__ runs first."""
    parts = name.split(".")
    yield from (".".join(parts[: end + 1]) for end in range(len(parts)))


def _strings(tree: ast.Module) -> Iterator[str]:
    """Yield string literals, and paths joined by a call or the operator /, as in folder / "lists" / "a.txt"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Call):
            yield "/".join(_constants(node.args))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield "/".join(_constants(_operands(node)))


def _operands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return [*_operands(node.left), node.right]
    return list(node.args) if isinstance(node, ast.Call) else [node]


def _constants(nodes: Iterable[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def may_be_path(text: str) -> bool:
    """Whether a string may be a file path."""
    return len(text) < 256 and _NAME.fullmatch(text) is not None and not text.endswith("__init__.py")
