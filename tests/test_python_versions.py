"""What one of the supported versions of Python refuses, found by reading on any of them."""

import ast
from pathlib import Path

import pytest

from . import source_files

ROOT = Path(__file__).parents[1]
UNHASHABLE = {"MappingProxyType", "dict", "list", "set", "defaultdict", "Counter", "deque", "OrderedDict", "array"}
"""Calls whose result has no hash on Python 3.11."""
FILES = source_files.modules()


def is_dataclass(node):
    names = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in node.decorator_list]
    return any(ast.unparse(name).split(".")[-1] == "dataclass" for name in names)


@pytest.mark.parametrize("name", FILES)
def test_no_field_of_a_dataclass_has_a_default_that_python_3_11_takes_for_mutable(name):
    # Python 3.11 refuses every default without a hash, 3.10 only lists, dicts and sets, 3.12 gave mappingproxy a hash.
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, ast.ClassDef) and is_dataclass(node):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.value, ast.Call):
                    factory = ast.unparse(item.value.func).split(".")[-1]
                    assert factory not in UNHASHABLE, f"{name}:{item.lineno}: {ast.unparse(item)}"
