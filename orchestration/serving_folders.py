"""Serving folders of pipelines under a root, and the pushed versions in them."""

import os
from collections.abc import Iterable

import buckets
from errors import ResourceError, UserError
from orchestration.paths import Root
from serving import versions
from spec.rows.data_paths import is_remote
from spec.suggestions import nearest


def with_versions(root: Root, name: str) -> str:
    """Return the serving folder of a pipeline that has a pushed version.

    Args:
        root: The folder of all runs.
        name: The pipeline, PIPELINE-VARIANT or PIPELINE-sample.

    Raises:
        UserError: the folder holds no version; the message names a similar pipeline that has one.
        ResourceError: the bucket of the root cannot be used.
    """
    folder = root.serving(name)
    try:
        if versions.pushed(folder):
            return folder
        pipelines = [candidate for candidate in _folders(root.path) if versions.pushed(root.serving(candidate))]
    except buckets.BucketError as error:
        raise ResourceError(str(error.strerror)) from error
    advice = "" if is_remote(root.path) else f": `python runner.py --local --pipeline {name}` trains and pushes one"
    raise UserError(f"{folder} holds no version yet{advice}.{nearest(name, pipelines, 'folders with versions')}")


def version(root: str, name: str, number: int | None) -> tuple[int, str]:
    """Find a pushed version.

    Args:
        root: The folder of all runs.
        name: The pipeline, PIPELINE-VARIANT or PIPELINE-sample.
        number: The version; None for the one that serves.

    Returns:
        Its number and its folder.

    Raises:
        UserError: the pipeline has no pushed version, or not this one.
    """
    folder = Root(os.path.abspath(root)).serving(name)
    numbers = versions.pushed(folder)
    if not numbers:
        raise UserError(f"{name} has no pushed version in {folder}: run the pipeline until it pushes one")
    if number is not None and number not in numbers:
        raise UserError(unknown_version(name, number, numbers))
    number = numbers[-1] if number is None else number
    return number, versions.path(folder, number)


def unknown_version(name: str, number: int | str, numbers: Iterable[int]) -> str:
    """Return the message for a version that does not exist.

    Args:
        name: The pipeline.
        number: The version, as the user wrote it.
        numbers: Its pushed versions.
    """
    known_versions = ", ".join(map(str, numbers))
    return f"{name} has no version {number}. Known versions: {known_versions}. Older ones were removed, see [push] keep"


def _folders(root: str) -> list[str]:
    if is_remote(root):
        return buckets.names(root)
    return sorted(entry.name for entry in os.scandir(root) if entry.is_dir()) if os.path.isdir(root) else []
