"""The file of a network, by its name in [network]."""

import importlib


def module(name: str) -> str:
    """Return the dotted path of the module: a file of models/networks, or that of a user-defined function."""
    return name.rpartition(".")[0] if "." in name else f"models.networks.{name}"


def reads_edges(name: str) -> bool:
    """Return whether a network of models/networks reads the quantiles of numbers (Output.edges)."""
    return "." not in name and getattr(importlib.import_module(module(name)), "EDGES", False)
