"""Digests that make the cache honest: of the code behind a dotted path, and of a file's content.

TFX's cache key covers execution parameters, not the code that a dotted path names nor the text of a file, so these
digests travel as parameters.
"""

import ast
import functools
import hashlib
import os
from collections.abc import Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The folder that holds our packages; modules from elsewhere are libraries, which the lock pins."""
BLOCK_BYTES = 1 << 20


def code(*modules: str) -> str:
    """Digest the source of modules and of every module of this repository that they import, however deep."""
    sources: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if name in sources or path is None:
            continue
        with open(path, "rb") as file:
            sources[name] = file.read()
        package = name if os.path.basename(path) == "__init__.py" else name.rpartition(".")[0]
        waiting.extend(_imports(package, sources[name]))
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + hashlib.sha256(sources[name]).digest())
    return digest.hexdigest()[:16]


def file(path: str) -> str:
    """Digest a file's content."""
    stat = os.stat(path)
    return _file(path, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns)


@functools.lru_cache(maxsize=1024)
def _file(path: str, *_identity: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()[:16]


def _path(module: str) -> str | None:
    """Source file of a module of this repository; None for a library's, and for a name that is no module."""
    stem = os.path.join(ROOT, *module.split("."))
    for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):
        if os.path.isfile(path):
            return path
    return None


def _imports(package: str, source: bytes) -> Iterator[str]:
    """Names that a module of a package imports, and the packages above each, whose __init__ runs too."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: 1 - node.level or None] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [stem, *(f"{stem}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[: end + 1]) for end in range(len(parts)))
