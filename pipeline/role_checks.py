"""Checks the roles under [features]: that each is a file of models/features or of the project, and that it imports."""

import ast
from collections.abc import Mapping
from typing import Any

import project
from errors import UserError
from models import roles
from pipeline import user_code

TENSORFLOW = ("tensorflow", "tensorflow_transform", "keras", "tfx")
"""Packages that a role imports inside `transform` only, because configs are read without them."""
MEMBERS = ("Settings", "outputs", "transform")


def check(features: Mapping[str, Any]) -> None:
    """Import the roles that a config names.

    Args:
        features: [features] as it is written. A key that names no module is left to the model of the section.

    Raises:
        ValueError: A user-defined role is missing or incomplete, or a role does not import.
    """
    for name in filter(roles.is_module, features):
        try:
            if name not in roles.shipped():
                _check_own(name)
            user_code.load(roles.module(name))
        except UserError as error:
            raise ValueError(str(error)) from error


def _check_own(name: str) -> None:
    """Check the file of a user-defined role without running it."""
    user_code.check_function(f"{name}.{MEMBERS[0]}")
    file = project.source(name)
    assert file is not None, name
    with open(file, "rb") as source:
        tree = ast.parse(source.read())
    shown, known = project.shown(file), set(user_code.names(tree))
    if absent := [member for member in MEMBERS if member not in known]:
        raise UserError(
            f"{shown} defines no {absent[0]!r}: a role defines {', '.join(MEMBERS)}, as models/features/numeric.py does"
        )
    for node in tree.body:
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [node.module or ""]
        else:
            continue
        for module in imported:
            if module.partition(".")[0] in TENSORFLOW:
                raise UserError(
                    f"{shown}, line {node.lineno}: imports {module} at the top, but configs are read without it: "
                    "import it inside transform"
                )
