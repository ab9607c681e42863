"""Models that `serve` serves: their serving folders, selected versions, and allowed values of the schema."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

import project
from errors import UserError
from orchestration import serving_folders
from orchestration.paths import Root
from serving import versions as pushed_versions
from serving.server.server_settings import ModelSource
from spec.rows.data_paths import is_remote


def sources(
    root: Root, names: Iterable[str], *, versions: str, pinned: Sequence[str], labels: Sequence[str]
) -> tuple[ModelSource, ...]:
    """Return the models that the arguments of `serve` request.

    Args:
        root: The folder of all runs.
        names: Pipelines.
        versions: Number of versions to serve, or `all`.
        pinned: `NAME:V` for versions to serve instead of the newest.
        labels: `NAME:LABEL=V` for versions with a label.

    Raises:
        UserError: a pipeline has no version, or an argument is malformed.
    """
    if is_remote(root.path):
        raise UserError(
            f"--root {root.path}: serve reads folders of this machine: copy the serving folder, or mount the bucket"
        )
    names = list(dict.fromkeys(names))
    if versions != "all" and not (versions.isascii() and versions.isdigit() and int(versions)):
        raise UserError(f"--versions {versions}: expected a number above 0, or all")
    chosen: dict[str, set[int]] = {name: set() for name in names}
    labelled: dict[str, dict[str, int]] = {name: {} for name in names}
    for text in pinned:
        name, _, number = text.rpartition(":")
        chosen[_checked(f"--version {text}", name, names)].add(_number(root, f"--version {text}", name, number))
    for text in labels:
        name, _, label_and_version = text.partition(":")
        label, _, number = label_and_version.rpartition("=")
        if not label:
            raise UserError(f"--label {text}: expected NAME:LABEL=V, such as houses:stable=1795914258")
        labelled[_checked(f"--label {text}", name, names)][label] = _number(root, f"--label {text}", name, number)
    return tuple(
        ModelSource(
            name=name,
            folder=serving_folders.with_versions(root, name),
            versions=None if versions == "all" else int(versions),
            pinned=frozenset(chosen[name]),
            labels=labelled[name],
            form=_form(name),
        )
        for name in names
    )


def _checked(argument: str, name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise UserError(f"{argument}: {name or 'no name'} is none of the models to serve: {', '.join(names)}")
    return name


def _number(root: Root, argument: str, name: str, text: str) -> int:
    known_versions = pushed_versions.pushed(serving_folders.with_versions(root, name))
    if not (text.isascii() and text.isdigit() and int(text) in known_versions):
        raise UserError(f"{argument}: {serving_folders.unknown_version(name, text, known_versions)}")
    return int(text)


def _form(name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return allowed values and ranges of columns, from the approved schema; nothing if there is none."""
    base = name.removesuffix("-sample")
    for candidate in (base, base.rpartition("-")[0]):
        path = os.path.join(project.folder(), "schemas", f"{candidate}.pbtxt")
        if candidate and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return _rules(text_format.Parse(file.read(), schema_pb2.Schema()))
    return {}


def _rules(schema: Any) -> dict[str, dict[str, Any]]:
    domains = {domain.name: list(domain.value) for domain in schema.string_domain}
    rules: dict[str, dict[str, Any]] = {}
    for feature in schema.feature:
        kind = feature.WhichOneof("domain_info")
        domain: Any = getattr(feature, kind) if kind else None
        if kind in ("int_domain", "float_domain"):
            bounds = {"minimum": "min", "maximum": "max"}
            rules[feature.name] = {
                key: getattr(domain, field) for key, field in bounds.items() if domain.HasField(field)
            }
        elif kind == "domain" and domain in domains:
            rules[feature.name] = {"choices": domains[domain]}
        elif kind == "string_domain":
            rules[feature.name] = {"choices": list(domain.value)}
    return rules
