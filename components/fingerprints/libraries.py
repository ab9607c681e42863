"""Versions of the libraries that a stage computes with, which are part of its cache key."""

import functools
import importlib.metadata
import platform
from collections.abc import Iterable

NAMES = {"PIL": "pillow", "google": "protobuf", "sklearn": "scikit-learn", "yaml": "pyyaml"}
"""Top-level module -> its distribution, where the name alone does not tell."""
WITHIN = {
    "keras": ("tensorflow",),
    "keras_tuner": ("keras", "scipy"),
    "tensorflow": ("numpy",),
    "tensorflow_data_validation": ("tfx_bsl", "tensorflow_metadata"),
    "tensorflow_transform": ("tfx_bsl", "tensorflow_metadata"),
    "tfx_bsl": ("apache_beam", "numpy", "pyarrow"),
}
"""Library -> those that compute its results, whether or not our code imports them too."""


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Look up the versions behind imported modules, and Python's minor version.

    Args:
        modules: Top-level names that code imports. Names that no distribution has installed are skipped.

    Returns:
        Distribution -> version, `python` first, the others in order of their names.
    """
    wanted, waiting = set(), list(modules)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting.extend(WITHIN.get(name, ()))
    found = {name: version for name, version in map(_installed, wanted) if version}
    return {"python": ".".join(platform.python_version_tuple()[:2]), **dict(sorted(found.items()))}


@functools.cache
def _installed(module: str) -> tuple[str, str]:
    """Distribution and version of a top-level module; empty where there is none."""
    name = NAMES.get(module, module.replace("_", "-"))
    try:
        return name, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
    for name in _distributions().get(module, ()):
        return name, importlib.metadata.version(name)
    return "", ""


@functools.cache
def _distributions() -> dict[str, list[str]]:
    """Distributions by top-level module: reads the metadata of all packages, so only for names not known otherwise."""
    return dict(importlib.metadata.packages_distributions())
