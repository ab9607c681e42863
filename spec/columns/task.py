"""Tasks, which [label] task names: files of models/tasks, or modules of the user's project.

The files are above spec, so they are loaded by name and not imported here; they need no TensorFlow to be loaded.
"""

import difflib
import functools
import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, get_args

Kind = Literal["regression", "binary", "classes", "anomaly", "clusters"]
"""regression: the label is a number, and the model answers with `prediction`; binary, classes: a class, `probabilities`
and `classes`; anomaly: normal or not, `score` and `anomaly`; clusters: no label, `cluster` and `distances`."""
FOLDER = "models.tasks"
SUFFIX = "_task"
"""Suffix of the name of a task's module in the folder."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Description of a task, which the task's file defines as TASK.

    Attributes:
        kind: The form of its label and predictions, on which checks, gates, metrics and networks depend.
        label_keys: Keys of [label] that apply, besides `column` and `task`.
        losses: Names of its losses, the default first.
        monitors: Metrics of each epoch, on the train split and, with the prefix `val_`, on the eval split.
    """

    kind: Kind
    label_keys: tuple[str, ...] = ()
    losses: tuple[str, ...]
    monitors: tuple[str, ...] = ("loss",)


@functools.cache
def shipped() -> tuple[str, ...]:
    """Return the names of the tasks of models/tasks; those with the name of a kind are first."""
    folder = importlib.import_module(FOLDER)
    modules = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    names = [name.removesuffix(SUFFIX) for name in modules if name.endswith(SUFFIX)]
    kinds = get_args(Kind)
    return tuple(sorted(names, key=lambda name: kinds.index(name) if name in kinds else len(kinds)))


def module(name: str) -> str:
    """Return the dotted path of a task's module."""
    return f"{FOLDER}.{name}{SUFFIX}" if name in shipped() else name


def own_modules(name: str) -> list[str]:
    """Return the module of a user-defined task, for the cache keys of stages that depend on its kind alone.

    The kinds of shipped tasks are fixed, and such stages need not run again after an edit of a loss.
    """
    return [] if name in shipped() else [name]


def load(name: str) -> ModuleType:
    """Import the file of a task.

    Raises:
        ValueError: The name is neither a task of models/tasks nor a module of the project, or the file has no TASK.
    """
    if name not in shipped() and not is_own(name):
        close = difflib.get_close_matches(name, shipped(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"task {name!r} is not one of {', '.join(shipped())}.{hint} Name a custom task by its module, my_task"
        )
    file = importlib.import_module(module(name))
    if not isinstance(getattr(file, "TASK", None), Task):
        raise ValueError(f"{name}: TASK is not a Task of spec.columns.task, as in models/tasks/regression_task.py")
    return file


def find(name: str) -> Task:
    """Return the description of a task."""
    task: Task = load(name).TASK
    return task


def is_own(name: str) -> bool:
    """Return whether a name is that of a module outside models/tasks."""
    return bool(name) and name not in shipped() and ("." in name or importlib.util.find_spec(name) is not None)
