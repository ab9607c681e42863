"""Checks of [network]: known name, known keys, and a match with the label, the features and [training]."""

import difflib
import pkgutil
from collections.abc import Sequence
from typing import Any

import models.networks
from errors import UserError
from pipeline import user_code
from spec.base import Strict
from spec.columns import task as tasks
from spec.columns.role import Output
from spec.training import Training

SUPERVISED = ("regression", "binary", "classes")
"""Kinds of tasks of a network that does not define TASKS."""


def networks() -> list[str]:
    """Return the names of the networks: the files in models/networks."""
    return sorted(module.name for module in pkgutil.iter_modules(models.networks.__path__))


def network_settings(name: str) -> type[Strict]:
    """Return the class of the settings of a network."""
    settings: type[Strict] = user_code.load(f"models.networks.{name}").Settings
    return settings


def complete(network: dict[str, Any]) -> dict[str, Any]:
    """Return the section with its defaults.

    Args:
        network: `name` and the network's keys; a name with a dot is a custom function, whose keys are not checked.

    Raises:
        ValueError: the name or a key is unknown.
    """
    name = network.get("name", "mlp")
    settings = {key: value for key, value in network.items() if key != "name"}
    if isinstance(name, str) and "." in name:
        try:
            user_code.check_function(name)
        except UserError as error:
            raise ValueError(str(error)) from error
        return {"name": name, **settings}
    if name not in networks():
        close = difflib.get_close_matches(str(name), networks(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"name {name!r} is not one of {', '.join(networks())}.{hint} Name a custom network as MODULE.FUNCTION"
        )
    return {"name": name, **network_settings(name).model_validate(settings).model_dump(mode="json")}


def check(network: dict[str, Any], task: str, outputs: Sequence[Output], training: Training) -> None:
    """Check that a complete section matches the rest of the config.

    Args:
        network: The section.
        task: The label's task.
        outputs: The model features; empty if a custom preprocessing function defines them.
        training: [training].

    Raises:
        ValueError: it does not match; names the networks that fit the task, or the key to remove.
    """
    name = network["name"]
    if "." in name:
        if tasks.find(task).kind not in SUPERVISED:
            raise ValueError(f"network: a custom network does not fit task {task!r}: use {_fitting(task)}")
        return
    module = user_code.load(f"models.networks.{name}")
    if tasks.find(task).kind not in getattr(module, "TASKS", SUPERVISED):
        raise ValueError(f"network: {name} does not fit task {task!r}: use {_fitting(task)}")
    settings = module.Settings.model_validate({key: value for key, value in network.items() if key != "name"})
    # The features of a custom preprocessing function are known only after it has run.
    if outputs and hasattr(module, "check"):
        try:
            module.check(outputs, settings)
        except ValueError as error:
            raise ValueError(f"network: {name} {error}") from error
    if hasattr(module, "KEYS"):
        # A serialized config, as workers read it, sets every key.
        defaults = Training()
        set_keys = training.model_fields_set - set(module.KEYS)
        without_effect = sorted(key for key in set_keys if getattr(training, key) != getattr(defaults, key))
        if without_effect:
            raise ValueError(
                f"training.{without_effect[0]} has no effect with network {name!r}, which needs no gradients: remove "
                f"it. Keys that have an effect: {', '.join(module.KEYS)}"
            )


def _fitting(task: str) -> str:
    """Return the names of the networks that support a task, joined with "or"."""
    kind = tasks.find(task).kind
    fitting = [
        name for name in networks() if kind in getattr(user_code.load(f"models.networks.{name}"), "TASKS", SUPERVISED)
    ]
    return " or ".join(fitting)
