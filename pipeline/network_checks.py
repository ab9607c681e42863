"""Checks [network]: that its name is known, its keys are, and that it fits the label, the features and [training]."""

import difflib
import pkgutil
from collections.abc import Sequence
from typing import Any

import models.networks
from errors import UserError
from pipeline import user_code
from spec.base import Strict
from spec.columns.role import Output
from spec.training import Training

SUPERVISED = ("regression", "binary", "classes")
"""Tasks of a network that does not say which it fits."""


def networks() -> list[str]:
    """Names of the networks: the files in models/networks."""
    return sorted(module.name for module in pkgutil.iter_modules(models.networks.__path__))


def network_settings(name: str) -> type[Strict]:
    """The typed keys of one network."""
    settings: type[Strict] = user_code.load(f"models.networks.{name}").Settings
    return settings


def complete(network: dict[str, Any]) -> dict[str, Any]:
    """The section with its defaults.

    Args:
        network: `name`, and the network's own keys; a name with a dot is a function of the user's own, whose keys are
            its own business.

    Raises:
        ValueError: the name is unknown, or a key is.
    """
    name = network.get("name", "mlp")
    own = {key: value for key, value in network.items() if key != "name"}
    if isinstance(name, str) and "." in name:
        try:
            user_code.check_function(name)
        except UserError as error:
            raise ValueError(str(error)) from error
        return {"name": name, **own}
    if name not in networks():
        close = difflib.get_close_matches(str(name), networks(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"name {name!r} is none of {', '.join(networks())}.{hint} Your own is named MODULE.FUNCTION")
    return {"name": name, **network_settings(name).model_validate(own).model_dump(mode="json")}


def check(network: dict[str, Any], task: str, outputs: Sequence[Output], training: Training) -> None:
    """See that a complete section fits the rest of the config.

    Args:
        network: The section.
        task: The label's task.
        outputs: The model features; none where only a function of the user's own tells them.
        training: [training].

    Raises:
        ValueError: it does not, and says what would.
    """
    name = network["name"]
    if "." in name:
        if task not in SUPERVISED:
            raise ValueError(f"network: your own network does not fit task {task!r}: {_fitting(task)} does")
        return
    module = user_code.load(f"models.networks.{name}")
    if task not in getattr(module, "TASKS", SUPERVISED):
        raise ValueError(f"network: {name} does not fit task {task!r}: {_fitting(task)} does")
    own = module.Settings.model_validate({key: value for key, value in network.items() if key != "name"})
    # A preprocessing function of the user's own tells its features only once it has run.
    if outputs and hasattr(module, "check"):
        try:
            module.check(outputs, own)
        except ValueError as error:
            raise ValueError(f"network: {name} {error}") from error
    if hasattr(module, "KEYS"):
        # A config that was written out, as workers read it, sets every key.
        defaults = Training()
        given = training.model_fields_set - set(module.KEYS)
        idle = sorted(key for key in given if getattr(training, key) != getattr(defaults, key))
        if idle:
            raise ValueError(
                f"training.{idle[0]} has no effect with network {name!r}, which needs no gradients: remove it; "
                f"what acts is {', '.join(module.KEYS)}"
            )


def _fitting(task: str) -> str:
    fitting = [
        name for name in networks() if task in getattr(user_code.load(f"models.networks.{name}"), "TASKS", SUPERVISED)
    ]
    return " or ".join(fitting)
