"""Reading of configs and their schemas; errors name the file, the key and the nearest valid name."""

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

MAX_DEPTH = 40
"""Maximum depth of nested sections and lists in a config; no key is nested deeper."""


def run_name(root: str, name: str) -> Name:
    """Return the pipeline and variant of a name of runs: PIPELINE, PIPELINE-VARIANT or PIPELINE-sample.

    Raises:
        UserError: there is no such config.
    """
    stems = names(root)
    plain = name.removesuffix(f"-{SAMPLE}")
    if plain in stems:
        return Name(plain, None, plain != name)
    for stem in stems:
        if plain.startswith(f"{stem}-") and plain[len(stem) + 1 :] in variants(root, stem):
            return Name(stem, plain[len(stem) + 1 :], plain != name)
    raise UserError(f"{CONFIGS}/{name}.toml does not exist.{nearest(name, stems, 'pipelines')}")


def names(root: str) -> list[str]:
    """Return the pipelines of a project: the stems of its configs, without hidden files such as editors' lock files."""
    files = os.listdir(os.path.join(root, CONFIGS))
    return sorted(name[: -len(".toml")] for name in files if name.endswith(".toml") and not name.startswith("."))


def variants(root: str, name: str) -> list[str]:
    """Return the names under [variant] of configs/NAME.toml, in order.

    Raises:
        UserError: the pipeline is missing, its file is not TOML, or a variant is not a table or has an invalid name.
    """
    config_path = f"{CONFIGS}/{name}.toml"
    tables = _read(root, name).get(SECTION, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise UserError(f"{config_path}: write each variant as a table, [{SECTION}.NAME]")
    for variant in tables:
        if variant in (SAMPLE, ALL) or not re.fullmatch(r"[A-Za-z0-9_-]+", variant):
            raise UserError(
                f"{config_path}: {SECTION}.{variant}: a variant's name consists of letters, digits, - and _, and is "
                f"neither {SAMPLE!r} nor {ALL!r}"
            )
    return list(tables)


def load(root: str, name: str, overrides: Iterable[str] = (), variant: str | None = None) -> Config:
    """Read configs/NAME.toml.

    Args:
        root: The project folder.
        name: The pipeline.
        overrides: `key=value` strings with dotted keys and values in TOML; an unquoted word is a string.
        variant: Name under [variant] whose values apply before the overrides; None for none.

    Raises:
        UserError: the pipeline, a key or a value is invalid; one line per finding.
    """
    config_path = f"{CONFIGS}/{name}.toml"
    values = _run_values(root, name, overrides, variant)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [_explain(config_path, dict(details), values) for details in error.errors()]
        variant_names = variants(root, name)
        if variant_names and variant is None:
            lines.append(
                f"{config_path} has variants: choose one with --variant {variant_names[0]}, or all with --variant {ALL}"
            )
        raise UserError("\n".join(lines)) from error


def without_faults(root: str, name: str, overrides: Iterable[str] = (), variant: str | None = None) -> Config | None:
    """Read a config without its invalid values, so that the rest can be checked too; arguments as in `load`.

    Returns:
        The config without its invalid values; None if it is invalid without them too.
    """
    try:
        values = _run_values(root, name, overrides, variant)
        try:
            return Config.model_validate(values)
        except ValidationError as error:
            # For a union, pydantic reports one error per branch.
            paths = {tuple(_place(dict(details), values)) for details in error.errors()}
        # Delete the last entries of a list first, so that the indices of the others stay valid.
        for *parents, key in sorted(paths, key=lambda path: [(str(type(part)), part) for part in path], reverse=True):
            section: Any = values
            for part in parents:
                section = section[part]
            del section[key]
        return Config.model_validate(values)
    except (UserError, ValueError, LookupError):
        return None


def _run_values(root: str, name: str, overrides: Iterable[str], variant: str | None) -> dict[str, Any]:
    """Return the values of a run: those of the file, then of its variant, then the overrides."""
    values = _read(root, name)
    variant_names = variants(root, name)
    tables = values.pop(SECTION, {})
    if variant is not None:
        if variant not in variant_names:
            raise UserError(
                f"{CONFIGS}/{name}.toml has no variant {variant!r}.{nearest(variant, variant_names, 'variants')}"
            )
        values = merge(values, tables[variant])
    for override in overrides:
        _override(values, override)
    return _shallow(f"{CONFIGS}/{name}.toml", values)


def _shallow(config_path: str, values: dict[str, Any]) -> dict[str, Any]:
    """Check that values are nested at most DEEPEST deep; iterative, because they may be too deep for recursion."""
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    if level:
        raise UserError(f"{config_path}: values are nested more than {MAX_DEPTH} deep, but no key is: fix the section")
    return values


def _read(root: str, name: str) -> dict[str, Any]:
    """Return the values of the file."""
    pipelines = names(root)
    config_path = f"{CONFIGS}/{name}.toml"
    if name not in pipelines:
        # In a separate project, the folder shows that it was searched instead of the repository.
        path = os.path.join(root, config_path) if project.is_separate() else config_path
        raise UserError(f"no pipeline {name!r}: {path} does not exist.{nearest(name, pipelines, 'pipelines')}")
    path = os.path.join(root, config_path)
    if os.path.exists(path) and not os.path.isfile(path):
        # Opening a named pipe would block.
        raise UserError(f"{config_path} is not a regular file: replace it with one, or remove it")
    try:
        with open(path, "rb") as file:
            return _shallow(config_path, tomli.load(file))
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        raise UserError(f"{config_path}: this is not TOML: {error}") from error
    except OSError as error:
        raise UserError(f"{config_path} cannot be read: {error.strerror}. Make it readable, or remove it") from error


def schema_name(root: str, name: str, variant: str | None) -> str:
    """Return the stem of the schema of a run: that of the variant if its file exists, else that of the pipeline."""
    stem_of_variant = f"{name}-{variant}"
    return stem_of_variant if os.path.isfile(os.path.join(root, SCHEMAS, f"{stem_of_variant}.pbtxt")) else name


@dataclass(frozen=True)
class ReviewedConfig:
    """A config and its approved schema, which match.

    Attributes:
        config: The config.
        columns: Column name -> type (INT, FLOAT, BYTES), in order.
        schema: The schema's path relative to the project.
        schema_content: Digest of the schema's text.
    """

    config: Config
    columns: dict[str, str]
    schema: str
    schema_content: str


def reviewed(root: str, name: Name, overrides: Iterable[str] = ()) -> ReviewedConfig:
    """Read the config and the schema of a run.

    Raises:
        UserError: one of the two is invalid, or they do not match.
    """
    config = load(root, name.pipeline, overrides, name.variant)
    stem = schema_name(root, name.pipeline, name.variant)
    return fitting(root, name, config, stem, schema_columns(root, stem))


def fitting(root: str, name: Name, config: Config, stem: str, columns: dict[str, str]) -> ReviewedConfig:
    """Check that a config and a schema match.

    Args:
        root: The project folder.
        name: The run.
        config: Its config.
        stem: Stem of its schema.
        columns: The schema's columns.

    Raises:
        UserError: they do not match.
        ResourceError: the schema changed meanwhile.
    """
    check_columns(name.pipeline, config, columns, optional_columns(root, stem), stem)
    schema = f"{SCHEMAS}/{stem}.pbtxt"
    content = code_digest.file(os.path.join(root, schema))
    if schema_columns(root, stem) != columns:
        raise ResourceError(f"{schema} changed while it was read: run again")
    return ReviewedConfig(config, columns, schema, content)


def _override(values: dict[str, Any], text: str) -> None:
    """Set one value, given as `key=value`."""
    key, sign, raw = text.partition("=")
    if not sign or not key.strip():
        raise UserError(f"--set {text!r}: write it as key=value, as in training.epochs=5")
    try:
        value = tomli.loads(f"value = {raw}")["value"]
    except tomli.TOMLDecodeError:
        value = raw.strip()
    except RecursionError as error:
        raise UserError(
            f"--set {key.strip()[:40]}: the value is nested more than {MAX_DEPTH} deep, but no key is"
        ) from error
    section: Any = values
    *path, last_key = key.strip().split(".")
    if len(path) >= MAX_DEPTH:
        raise UserError(f"--set {key.strip()[:40]}...: a key has at most {MAX_DEPTH} parts")
    within_list = f"--set {text!r}: name a key inside the list's entry, as in features.numeric.0.scale=none"
    for depth, part in enumerate(path):
        if isinstance(section, list):
            if not part.isdecimal():
                raise UserError(within_list)
            if int(part) >= len(section):
                list_key = ".".join(path[:depth])
                raise UserError(f"--set {text!r}: {list_key} has {len(section)} entries, counted from 0")
            section = section[int(part)]
        else:
            section = section.setdefault(part, {})
        if not isinstance(section, dict | list):
            raise UserError(f"--set {text!r}: {part!r} is a value, not a section")
    if isinstance(section, list):
        raise UserError(within_list)
    section[last_key] = value


def _explain(config_path: str, details: dict[str, Any], values: Mapping[str, Any]) -> str:
    """Return the line for one of pydantic's errors."""
    location = _place(details, values)
    dotted = ".".join(str(part) for part in location)
    if details["type"] == "extra_forbidden":
        *parents, key = location
        return f"{config_path}: {dotted} is not a known key.{hint(Config, parents, values, str(key))}"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "missing":
        message = "this key is required"
    value_found = details.get("input")
    # A webhook or a command may contain a token.
    is_shown = isinstance(value_found, str | int | float | bool) and location[:1] != ["notify"]
    value = f" (found {value_found!r})" if is_shown else ""
    return f"{config_path}: {dotted + ': ' if dotted else ''}{message}{value}"


def _place(details: Mapping[str, Any], values: Mapping[str, Any]) -> list[str | int]:
    """Return keys and list indices of an error; pydantic's location also contains the branch of a union."""
    location: list[str | int] = []
    section: Any = values
    for part in details["loc"]:
        if part in section if isinstance(section, dict) else isinstance(section, list) and isinstance(part, int):
            location.append(part)
            section = section[part]
    return [*location, details["loc"][-1]] if details["type"] == "missing" else location
