"""Versions of the libraries of a stage, which are part of its cache key."""

import functools
import importlib.metadata
import platform
from collections.abc import Iterable

NAMES = {
    "PIL": "pillow",
    "google": "protobuf",
    "grpc": "grpcio",
    "sklearn": "scikit-learn",
    "tensorflow_serving": "tensorflow-serving-api",
    "yaml": "pyyaml",
}
"""Top-level module -> distribution, if their names differ."""
WITHIN = {
    "keras": ("tensorflow",),
    "keras_tuner": ("keras", "scipy"),
    "tensorflow": ("numpy",),
    "tensorflow_data_validation": ("tfx_bsl", "tensorflow_metadata"),
    "tensorflow_transform": ("tfx_bsl", "tensorflow_metadata"),
    "tfx_bsl": ("apache_beam", "numpy", "pyarrow"),
}
"""Library -> libraries that compute its results, whether or not our code imports them too."""


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Look up the versions of imported libraries, and Python's minor version.

    Args:
        modules: Top-level names of imported modules. Modules without an installed distribution are skipped.

    Returns:
        Distribution -> version, `python` first, the others sorted by name.
    """
    visited, pending = set(), list(modules)
    while pending:
        name = pending.pop()
        if name not in visited:
            visited.add(name)
            pending.extend(WITHIN.get(name, ()))
    installed = {name: version for name, version in map(_installed, visited) if version}
    return {"python": ".".join(platform.python_version_tuple()[:2]), **dict(sorted(installed.items()))}


@functools.cache
def _installed(module: str) -> tuple[str, str]:
    """Return distribution and version of a top-level module; empty strings if none is installed."""
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
    """Map top-level modules to distributions. Slow, as it reads the metadata of all packages: used as a fallback."""
    return dict(importlib.metadata.packages_distributions())
