"""Reading of a config and its schema; errors name the file, the key and the nearest valid name."""

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
    shown = f"{CONFIGS}/{name}.toml"
    tables = _read(root, name).get(SECTION, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise UserError(f"{shown}: write each variant as a table, [{SECTION}.NAME]")
    for variant in tables:
        if variant in (SAMPLE, ALL) or not re.fullmatch(r"[A-Za-z0-9_-]+", variant):
            raise UserError(
                f"{shown}: {SECTION}.{variant}: a variant's name consists of letters, digits, - and _, and is neither "
                f"{SAMPLE!r} nor {ALL!r}"
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
    shown = f"{CONFIGS}/{name}.toml"
    values = _chosen(root, name, overrides, variant)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [_explain(shown, dict(details), values) for details in error.errors()]
        known = variants(root, name)
        if known and variant is None:
            lines.append(f"{shown} has variants: choose one with --variant {known[0]}, or all with --variant {ALL}")
        raise UserError("\n".join(lines)) from error


def without_faults(root: str, name: str, overrides: Iterable[str] = (), variant: str | None = None) -> Config | None:
    """Read a config without its invalid values, so that the rest can be checked too; arguments as in `load`.

    Returns:
        The config without its invalid values; None if it is invalid without them too.
    """
    try:
        values = _chosen(root, name, overrides, variant)
        try:
            return Config.model_validate(values)
        except ValidationError as error:
            # For a union, pydantic reports one error per branch.
            paths = {tuple(_place(dict(details), values)) for details in error.errors()}
        # Delete the last entries of a list first, so that the indices of the others stay valid.
        for *above, last in sorted(paths, key=lambda path: [(str(type(part)), part) for part in path], reverse=True):
            section: Any = values
            for part in above:
                section = section[part]
            del section[last]
        return Config.model_validate(values)
    except (UserError, ValueError, LookupError):
        return None


def _chosen(root: str, name: str, overrides: Iterable[str], variant: str | None) -> dict[str, Any]:
    """Return the values of a run: those of the file, then of its variant, then the overrides."""
    values = _read(root, name)
    known = variants(root, name)
    tables = values.pop(SECTION, {})
    if variant is not None:
        if variant not in known:
            raise UserError(f"{CONFIGS}/{name}.toml has no variant {variant!r}.{nearest(variant, known, 'variants')}")
        values = merge(values, tables[variant])
    for override in overrides:
        _override(values, override)
    return _shallow(f"{CONFIGS}/{name}.toml", values)


def _shallow(shown: str, values: dict[str, Any]) -> dict[str, Any]:
    """Check that values are nested at most DEEPEST deep; iterative, because they may be too deep for recursion."""
    level: list[Any] = [values]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    if level:
        raise UserError(f"{shown}: values are nested more than {DEEPEST} deep, but no key is: fix the section")
    return values


def _read(root: str, name: str) -> dict[str, Any]:
    """Return the values of the file."""
    known = names(root)
    shown = f"{CONFIGS}/{name}.toml"
    if name not in known:
        # In a separate project, the folder shows that it was searched instead of the repository.
        path = os.path.join(root, shown) if project.is_separate() else shown
        raise UserError(f"no pipeline {name!r}: {path} does not exist.{nearest(name, known, 'pipelines')}")
    path = os.path.join(root, shown)
    if os.path.exists(path) and not os.path.isfile(path):
        # Opening a named pipe would block.
        raise UserError(f"{shown} is not a regular file: replace it with one, or remove it")
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
    """Return the stem of the schema of a run: the variant's if it exists, else the pipeline's."""
    own = f"{name}-{variant}"
    return own if os.path.isfile(os.path.join(root, SCHEMAS, f"{own}.pbtxt")) else name


@dataclass(frozen=True)
class Reviewed:
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


def reviewed(root: str, name: Name, overrides: Iterable[str] = ()) -> Reviewed:
    """Read the config and the schema of a run.

    Raises:
        UserError: one of the two is invalid, or they do not match.
    """
    config = load(root, name.pipeline, overrides, name.variant)
    stem = schema_name(root, name.pipeline, name.variant)
    return fitting(root, name, config, stem, schema_columns(root, stem))


def fitting(root: str, name: Name, config: Config, stem: str, columns: dict[str, str]) -> Reviewed:
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
    return Reviewed(config, columns, schema, content)


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
            f"--set {key.strip()[:40]}: the value is nested more than {DEEPEST} deep, but no key is"
        ) from error
    section: Any = values
    *path, last = key.strip().split(".")
    if len(path) >= DEEPEST:
        raise UserError(f"--set {key.strip()[:40]}...: a key has at most {DEEPEST} parts")
    within_list = f"--set {text!r}: name a key inside the list's entry, as in features.numeric.0.scale=none"
    for depth, part in enumerate(path):
        if isinstance(section, list):
            if not part.isdecimal():
                raise UserError(within_list)
            if int(part) >= len(section):
                above = ".".join(path[:depth])
                raise UserError(f"--set {text!r}: {above} has {len(section)} entries, counted from 0")
            section = section[int(part)]
        else:
            section = section.setdefault(part, {})
        if not isinstance(section, dict | list):
            raise UserError(f"--set {text!r}: {part!r} is a value, not a section")
    if isinstance(section, list):
        raise UserError(within_list)
    section[last] = value


def _explain(shown: str, details: dict[str, Any], values: Mapping[str, Any]) -> str:
    """Return the line for one of pydantic's errors."""
    where = _place(details, values)
    dotted = ".".join(str(part) for part in where)
    if details["type"] == "extra_forbidden":
        *above, last = where
        return f"{shown}: {dotted} is not a known key.{hint(Config, above, values, str(last))}"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "missing":
        message = "this key is required"
    actual = details.get("input")
    # A webhook or a command may contain a token.
    is_shown = isinstance(actual, str | int | float | bool) and where[:1] != ["notify"]
    value = f" (found {actual!r})" if is_shown else ""
    return f"{shown}: {dotted + ': ' if dotted else ''}{message}{value}"


def _place(details: Mapping[str, Any], values: Mapping[str, Any]) -> list[str | int]:
    """Return keys and list indices of an error; pydantic's location also contains the branch of a union."""
    where: list[str | int] = []
    place: Any = values
    for part in details["loc"]:
        if part in place if isinstance(place, dict) else isinstance(place, list) and isinstance(part, int):
            where.append(part)
            place = place[part]
    return [*where, details["loc"][-1]] if details["type"] == "missing" else where
