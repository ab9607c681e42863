"""Checks of the roles and the task of a config: each file exists, is complete, and imports."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import project
from errors import UserError
from models import roles
from pipeline import user_code
from spec.columns import task as tasks

TENSORFLOW = ("tensorflow", "tensorflow_transform", "keras", "tfx")
"""Packages that a role or task imports only inside functions, because configs are read without them."""
ROLE = ("Settings", "outputs", "transform")
"""Names that the file of a role defines."""
TASK = ("TASK", "target")
"""Names that the file of a task defines."""


def check_roles(features: Any) -> Any:
    """Import the roles that a config names; return the section unchanged.

    Args:
        features: [features] as it is written. A key that names no module is left to the model of the section.

    Raises:
        ValueError: A user-defined role is missing or incomplete, or a role does not import.
    """
    for name in filter(roles.is_module, features if isinstance(features, Mapping) else ()):
        try:
            if name not in roles.shipped():
                _check_own(name, ROLE, "role", "models/features/numeric.py")
            user_code.load(roles.module(name))
        except UserError as error:
            raise ValueError(str(error)) from error
    return features


def check_task(label: Any) -> Any:
    """Import the task that a config names; return the section unchanged.

    Args:
        label: [label] as it is written. A task that is no module is left to the model of the section.

    Raises:
        ValueError: A user-defined task is missing or incomplete, or does not import.
    """
    name = label.get("task") if isinstance(label, Mapping) else None
    if isinstance(name, str) and tasks.is_own(name):
        try:
            _check_own(name, TASK, "task", "models/tasks/regression_task.py")
            user_code.load(name)
        except UserError as error:
            raise ValueError(str(error)) from error
    return label


def _check_own(name: str, members: Sequence[str], kind: str, example: str) -> None:
    """Check the file of a user-defined role or task without running it.

    Args:
        name: Dotted path of the module.
        members: Names that it must define.
        kind: "role" or "task", for messages.
        example: A complete file of the repository, for messages.
    """
    user_code.check_function(f"{name}.{members[0]}")
    file = project.source(name)
    assert file is not None, name
    with open(file, "rb") as source:
        tree = ast.parse(source.read())
    path_shown, defined = project.shown(file), set(user_code.names(tree))
    if missing := [member for member in members if member not in defined]:
        raise UserError(
            f"{path_shown} defines no {missing[0]!r}: a {kind} defines {', '.join(members)}, as {example} does"
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
                    f"{path_shown}, line {node.lineno}: imports {module} at the top, but configs are read without it: "
                    f"import it inside {members[-1]}"
                )
