"""What the source of a module says without being run: the names that it imports, and the texts that may name a file."""

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NAME = re.compile(r"[^\x00-\x1f]*[^\x00-\x1f./]\.\w{1,12}")
"""How a text looks that may name a file: it ends in a dot and a word."""


class Source(NamedTuple):
    """What the source of one module says.

    Attributes:
        imports: Names that it imports, and the packages above each, whose __init__ runs too.
        texts: String literals that may name a file.
    """

    imports: frozenset[str]
    texts: frozenset[str]


@functools.lru_cache(maxsize=4096)
def read(package: str, text: bytes) -> Source:
    """Parse the source of a module of a package: most of a digest's time, and several stages share most modules."""
    tree = ast.parse(text)
    return Source(frozenset(_imports(package, tree)), frozenset(filter(may_be_path, _texts(tree))))


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
    """A module and the packages above it, whose __init__ runs first."""
    parts = name.split(".")
    yield from (".".join(parts[: end + 1]) for end in range(len(parts)))


def _texts(tree: ast.Module) -> Iterator[str]:
    """String literals, and those that a call or the operator / joins to a path, as in folder / "lists" / "a.txt"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Call):
            yield "/".join(_strings(node.args))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield "/".join(_strings(_divided(node)))


def _divided(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return [*_divided(node.left), node.right]
    return list(node.args) if isinstance(node, ast.Call) else [node]


def _strings(nodes: Iterable[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def may_be_path(text: str) -> bool:
    """Whether a text may name a file."""
    return len(text) < 256 and _NAME.fullmatch(text) is not None and not text.endswith("__init__.py")
