"""Folders that `make` starts as scripts import modules that exist."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from . import source_files

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(ROOT / name for name in source_files.names("*/__main__.py"))


def imported(path):
    """Modules, and for `from package import name` also what the name may be."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_each_module_that_a_script_imports_exists(path, monkeypatch):
    for folder in (ROOT, ROOT / "tests", path.parent):
        monkeypatch.syspath_prepend(folder)
    loaded = set(sys.modules)
    for module, name in imported(path):
        spec = importlib.util.find_spec(module)
        assert spec is not None, f"{path} imports {module}"
        if name is not None and spec.origin is not None and Path(spec.origin).is_relative_to(ROOT / "tests"):
            text = Path(spec.origin).read_text()
            assert name in text or importlib.util.find_spec(f"{module}.{name}"), f"{path} imports {name} of {module}"
    for module in set(sys.modules) - loaded:
        monkeypatch.delitem(sys.modules, module)


def test_scripts_are_found():
    assert len(SCRIPTS) >= 6
