"""Executors read the config by attributes of typed models, never by string keys."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import project

NAMES = {"config", "section", "sections", "network", "training", "features", "tuner", "data", "duties", "part"}
"""Names under which code holds a part of the config."""
FILES = sorted(
    path
    for folder in ("components", "models/training", "models/transform_graph")
    for path in Path(project.REPOSITORY, folder).rglob("*.py")
)


def string_reads(code: str) -> Iterator[str]:
    """Yield reads such as config["features"] and config.get("features")."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Subscript):
            holder, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            holder, key = node.func.value, node.args[0] if node.args else None
        else:
            continue
        is_text = isinstance(key, ast.Constant) and isinstance(key.value, str)
        is_write = isinstance(getattr(node, "ctx", None), ast.Store)
        if isinstance(holder, ast.Name) and holder.id in NAMES and is_text and not is_write:
            yield ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(project.REPOSITORY)))
def test_the_config_is_read_by_attributes(path):
    assert list(string_reads(path.read_text(encoding="utf-8"))) == []


def test_a_read_by_a_string_is_recognized():
    assert list(string_reads('config["a"]; config.get("b", 1); config.c; rows["d"]')) == [
        "config['a']",
        "config.get('b', 1)",
    ]
