"""Reads a config and its schema, and says what is wrong with them: file, key and the nearest right name."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import tomli
from pydantic import ValidationError

import project
from components.fingerprints import code_digest
from errors import ResourceError, UserError
from pipeline.config import Config
from pipeline.known_keys import hint
from pipeline.schema_columns import CONFIGS as CONFIGS
from pipeline.schema_columns import SCHEMAS as SCHEMAS
from pipeline.schema_columns import check_columns as check_columns
from pipeline.schema_columns import nearest as nearest
from pipeline.schema_columns import optional_columns as optional_columns
from pipeline.schema_columns import schema_columns as schema_columns
from pipeline.variants import ALL, SAMPLE, SECTION, Name, merge

DEEPEST = 40
"""Levels of sections and lists in a config; more than any key has."""


def names(root: str) -> list[str]:
    """Pipelines under a root folder: the stems of its configs, without hidden files such as an editor's locks."""
    files = os.listdir(os.path.join(root, CONFIGS))
    return sorted(name[: -len(".toml")] for name in files if name.endswith(".toml") and not name.startswith("."))


def variants(root: str, name: str) -> list[str]:
    """Names under [variant] of configs/NAME.toml, in order.

    Raises:
        UserError: the pipeline is missing, its file is not TOML, or a variant is no table or badly named.
    """
    shown = f"{CONFIGS}/{name}.toml"
    found = _read(root, name).get(SECTION, {})
    if not isinstance(found, dict) or not all(isinstance(table, dict) for table in found.values()):
        raise UserError(f"{shown}: write each variant as a table, [{SECTION}.NAME]")
    for variant in found:
        if variant in (SAMPLE, ALL) or not re.fullmatch(r"[A-Za-z0-9_-]+", variant):
            raise UserError(
                f"{shown}: {SECTION}.{variant}: a variant's name is made of letters, digits, - and _, and is neither "
                f"{SAMPLE!r} nor {ALL!r}"
            )
    return list(found)


def load(root: str, name: str, overrides: Iterable[str] = (), variant: str | None = None) -> Config:
    """Read configs/NAME.toml.

    Args:
        root: The project folder.
        name: The pipeline.
        overrides: `key=value` texts with dotted keys, each value in TOML; a bare word is a string.
        variant: Which of [variant] to lay over the rest before them.

    Raises:
        UserError: the pipeline, a key or a value is wrong; one line each.
    """
    shown = f"{CONFIGS}/{name}.toml"
    values = _chosen(root, name, overrides, variant)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [_explain(shown, dict(details), values) for details in error.errors()]
        there = variants(root, name)
        if there and variant is None:
            lines.append(f"{shown} has variants: name one with --variant {there[0]}, or --variant {ALL}")
        raise UserError("\n".join(lines)) from error


def without_faults(root: str, name: str, overrides: Iterable[str] = (), variant: str | None = None) -> Config | None:
    """What a config says apart from its faults, so that all else can be looked at too. Arguments as of `load`.

    Returns:
        The config without the values that are wrong; None where it is none without them.
    """
    try:
        values = _chosen(root, name, overrides, variant)
        try:
            return Config.model_validate(values)
        except ValidationError as error:
            # A value that may be one of several kinds is told of once for each.
            places = {tuple(_place(dict(details), values)) for details in error.errors()}
        # The last entries of a list first, so that the others keep their places.
        for *above, last in sorted(places, key=lambda place: [(str(type(part)), part) for part in place], reverse=True):
            within: Any = values
            for part in above:
                within = within[part]
            del within[last]
        return Config.model_validate(values)
    except (UserError, ValueError, LookupError):
        return None


def _chosen(root: str, name: str, overrides: Iterable[str], variant: str | None) -> dict[str, Any]:
    """The values of a run: the file's, its variant's over them, then the overrides."""
    values = _read(root, name)
    there = variants(root, name)
    own = values.pop(SECTION, {})
    if variant is not None:
        if variant not in there:
            raise UserError(f"{CONFIGS}/{name}.toml has no variant {variant!r}.{nearest(variant, there)}")
        values = merge(values, own[variant])
    for override in overrides:
        _override(values, override)
    return _shallow(f"{CONFIGS}/{name}.toml", values)


def _shallow(shown: str, values: dict[str, Any]) -> dict[str, Any]:
    """See that values are nested no deeper than any key; without recursion, for which they may be too deep."""
    level: list[Any] = [values]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    if level:
        raise UserError(f"{shown}: its values are nested more than {DEEPEST} deep: no key is")
    return values


def _read(root: str, name: str) -> dict[str, Any]:
    """The file's values as they stand."""
    known = names(root)
    shown = f"{CONFIGS}/{name}.toml"
    if name not in known:
        # Not finding a shipped pipeline in a project, or the reverse, is easier to see with the folder.
        path = os.path.join(root, shown) if project.is_separate() else shown
        raise UserError(f"there is no pipeline {name!r}: {path} is missing.{nearest(name, known)}")
    path = os.path.join(root, shown)
    if os.path.exists(path) and not os.path.isfile(path):
        # A named pipe would be waited for.
        raise UserError(f"{shown} is not a regular file: replace it by a file, or remove it")
    try:
        with open(path, "rb") as file:
            return _shallow(shown, tomli.load(file))
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        raise UserError(f"{shown}: this is not TOML: {error}") from error
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror}. Make it readable, or remove it") from error


def schema_name(root: str, name: str, variant: str | None) -> str:
    """Stem of the schema that judges a run: the variant's own where there is one, else the pipeline's."""
    own = f"{name}-{variant}"
    return own if os.path.isfile(os.path.join(root, SCHEMAS, f"{own}.pbtxt")) else name


@dataclass(frozen=True)
class Reviewed:
    """A config and the schema that judges its data, which fit each other.

    Attributes:
        config: The config.
        columns: Column name -> type (INT, FLOAT, BYTES), in order.
        schema: The schema's path below the root.
        schema_content: Digest of the schema's text.
    """

    config: Config
    columns: dict[str, str]
    schema: str
    schema_content: str


def reviewed(root: str, name: Name, overrides: Iterable[str] = ()) -> Reviewed:
    """Read the config and the schema of a run.

    Raises:
        UserError: one of the two is wrong, or they do not fit each other.
    """
    config = load(root, name.pipeline, overrides, name.variant)
    stem = schema_name(root, name.pipeline, name.variant)
    return fitting(root, name, config, stem, schema_columns(root, stem))


def fitting(root: str, name: Name, config: Config, stem: str, columns: dict[str, str]) -> Reviewed:
    """See that a config and a schema fit each other.

    Args:
        root: The project folder.
        name: The run.
        config: Its config.
        stem: Its schema's.
        columns: The schema's columns.

    Raises:
        UserError: they do not.
    """
    check_columns(name.pipeline, config, columns, optional_columns(root, stem), stem)
    schema = f"{SCHEMAS}/{stem}.pbtxt"
    content = code_digest.file(os.path.join(root, schema))
    if schema_columns(root, stem) != columns:
        raise ResourceError(f"{schema} changed while it was read: run again")
    return Reviewed(config, columns, schema, content)


def _override(values: dict[str, Any], text: str) -> None:
    key, sign, raw = text.partition("=")
    if not sign or not key.strip():
        raise UserError(f"--set {text!r}: write it as key=value, as in training.epochs=5")
    try:
        value = tomli.loads(f"value = {raw}")["value"]
    except tomli.TOMLDecodeError:
        value = raw.strip()
    except RecursionError as error:
        raise UserError(f"--set {key.strip()[:40]}: its value is nested more than {DEEPEST} deep: no key is") from error
    place: Any = values
    *path, last = key.strip().split(".")
    if len(path) >= DEEPEST:
        raise UserError(f"--set {key.strip()[:40]}...: a key has at most {DEEPEST} parts")
    within_list = f"--set {text!r}: name a key inside the list's entry, as in features.numeric.0.scale=none"
    for depth, part in enumerate(path):
        if isinstance(place, list):
            if not part.isdecimal():
                raise UserError(within_list)
            if int(part) >= len(place):
                above = ".".join(path[:depth])
                raise UserError(f"--set {text!r}: {above} has {len(place)} entries, counted from 0")
            place = place[int(part)]
        else:
            place = place.setdefault(part, {})
        if not isinstance(place, dict | list):
            raise UserError(f"--set {text!r}: {part!r} is a value, not a section")
    if isinstance(place, list):
        raise UserError(within_list)
    place[last] = value


def _explain(shown: str, details: dict[str, Any], values: Mapping[str, Any]) -> str:
    """One line for one of pydantic's findings."""
    where = _place(details, values)
    dotted = ".".join(str(part) for part in where)
    if details["type"] == "extra_forbidden":
        *above, last = where
        return f"{shown}: {dotted} is not a known key.{hint(Config, above, values, str(last))}"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "missing":
        message = "this key is needed"
    given = details.get("input")
    # A webhook or a command may hold a token.
    shows = isinstance(given, str | int | float | bool) and where[:1] != ["notify"]
    value = f" (found {given!r})" if shows else ""
    return f"{shown}: {dotted + ': ' if dotted else ''}{message}{value}"


def _place(details: Mapping[str, Any], values: Mapping[str, Any]) -> list[str | int]:
    """Keys and list positions of a finding; pydantic's location also holds the tried branch of a union."""
    where: list[str | int] = []
    place: Any = values
    for part in details["loc"]:
        if part in place if isinstance(place, dict) else isinstance(place, list) and isinstance(part, int):
            where.append(part)
            place = place[part]
    return [*where, details["loc"][-1]] if details["type"] == "missing" else where
