"""Columns of the approved schema, and checks of the config against them."""

import os
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

from google.protobuf import text_format
from pydantic import BaseModel
from tensorflow_metadata.proto.v0 import schema_pb2

from components.ingestion.omissions import Omissions
from errors import UserError
from pipeline.config import Config
from spec.rows.row_expression import Expression
from spec.suggestions import nearest as nearest

CONFIGS = "configs"
SCHEMAS = "schemas"
NUMBERS = ("INT", "FLOAT")


def schema_columns(root: str, name: str) -> dict[str, str]:
    """Return the columns of schemas/NAME.pbtxt and their types (INT, FLOAT, BYTES), in order.

    Raises:
        UserError: the schema is missing, cannot be read, or does not define a column completely.
    """
    schema_path, features = f"{SCHEMAS}/{name}.pbtxt", schema(root, name).feature
    columns = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in features}
    findings = [
        f"{schema_path}: column {feature.name!r} {_undefined(feature)}" for feature in features if _undefined(feature)
    ]
    if findings:
        raise UserError("\n".join(findings))
    return columns


def optional_columns(root: str, name: str) -> frozenset[str]:
    """Return the columns of schemas/NAME.pbtxt that may be null.

    Raises:
        UserError: the schema is missing or cannot be read.
    """
    return frozenset(feature.name for feature in schema(root, name).feature if _optional(feature))


def schema(root: str, name: str) -> schema_pb2.Schema:
    """Read the approved schema schemas/NAME.pbtxt.

    Raises:
        UserError: it is missing or cannot be read.
    """
    schema_path = f"{SCHEMAS}/{name}.pbtxt"
    try:
        with open(os.path.join(root, schema_path), encoding="utf-8") as file:
            return text_format.Parse(file.read(), schema_pb2.Schema())
    except FileNotFoundError as error:
        raise UserError(
            f"{schema_path} does not exist: every run is validated against an approved schema; write it"
        ) from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise UserError(f"{schema_path}: not a valid schema: {error}") from error


def check_columns(
    name: str,
    config: Config,
    columns: Mapping[str, str],
    optional: Collection[str] = (),
    schema: str | None = None,
) -> None:
    """Check that the schema defines each column of the config, with a valid type and a rule for nulls.

    Args:
        name: The pipeline.
        config: Its config.
        columns: Column name -> type of the approved schema.
        optional: Columns that may be null.
        schema: Stem of the schema, if it is not the pipeline's name.

    Raises:
        UserError: one line per finding.
    """
    findings: list[str] = []
    config_path, schema_path = f"{CONFIGS}/{name}.toml", f"{SCHEMAS}/{schema or name}.pbtxt"

    def require(key: str, column: str, types: tuple[str, ...] = (), needs: str = "this key needs") -> None:
        if column not in columns:
            findings.append(
                f"{config_path}: {key} names {column!r}, which {schema_path} does not define."
                f"{nearest(column, columns, 'columns')}"
            )
        elif types and columns[column] not in types:
            findings.append(
                f"{config_path}: {key} names {column!r}, which is {columns[column]} in {schema_path}; {needs} "
                f"{' or '.join(types)}"
            )

    for role, entry in config.features.entries():
        for column in entry.columns():
            require(f"features.{role}", column, entry.types)
    for column in config.features.ignored:
        require("features.ignored", column)
    if config.label.column is not None:
        require("label.column", config.label.column, NUMBERS if config.label.needs_number else ())
    if config.data.split.column is not None:
        require("data.split.column", config.data.split.column)
    for column in config.data.column_null_values:
        require("data.column_null_values", column)
    for column in config.data.dates:
        require("data.dates", column, ("BYTES",))
    for column in config.data.csv.plain:
        require("data.csv.plain", column)
    for column in config.data.fold_case:
        require("data.fold_case", column, ("BYTES",))
    for duty, column in config.columns:
        if column is not None:
            require(f"columns.{duty}", column, NUMBERS if duty == "weight" else ())
    for key, column in config.gates.named():
        require(key, column)
    for key, column, types, needs in config.evaluation.columns():
        require(key, column, types, needs)
    findings.extend(f"{config_path}: {text}" for text in _data_faults(config, columns))
    findings.extend(f"{config_path}: {text}" for text in _null_faults(config, optional, schema_path))
    if findings:
        raise UserError("\n".join(findings))


def unused(config: Config, columns: Iterable[str]) -> Omissions:
    """Return the columns of the schema that the model neither reads nor predicts, with the reasons.

    Args:
        config: The config.
        columns: Columns of the schema.
    """
    omissions = Omissions()
    used = {*config.watched(dict.fromkeys(columns, ""))["used"], config.label.column}
    reasons = {column: f"[columns] {duty}" for duty, column in config.columns if column is not None}
    if config.data.split.column is not None:
        reasons[config.data.split.column] = "data.split.column"
    reasons |= dict.fromkeys(config.features.ignored, "features.ignored")
    for column in columns:
        if column not in used:
            omissions.add("column", reasons.get(column, "named under no role"), column, action="not used")
    return omissions


def _data_faults(config: Config, columns: Mapping[str, str]) -> Iterator[str]:
    """Yield the settings of [data] that do not match the columns."""
    for column in config.data.drop:
        if column in columns:
            yield f"data.drop drops {column!r}, which the schema defines: remove it from one of the two"
    if config.data.split.by == "time" and config.columns.time is None:
        yield "data.split.by is 'time': name the column of timestamps as columns.time"
    if config.data.spans is not None and config.columns.time is None:
        yield "data.spans needs a column of dates: name it as columns.time"
    for text in config.data.exclude:
        try:
            Expression(text).check(columns)
        except ValueError as error:
            yield f"data.exclude: {error}"


def _null_faults(config: Config, optional: Collection[str], schema: str) -> Iterator[str]:
    """Yield the columns that may be null but are used without a rule for nulls."""
    schema_edit = f"write presence {{ min_fraction: 1.0 min_count: 1 }} and shape {{ dim {{ size: 1 }} }} in {schema}"
    for role, entry in config.features.entries():
        for column in () if entry.derived else entry.columns():
            rule = getattr(entry, "missing", None)
            if column in optional and rule is None:
                choices = _choices(entry)
                config_edit = f"set missing = {choices}, or " if choices else ""
                yield f"features.{role} names {column!r}, which may be null: {config_edit}{schema_edit}"
            elif column in optional and rule == "drop":
                yield f"features.{role} drops the rows whose {column!r} is null, which could be all: {schema_edit}"
    if config.columns.weight in optional:
        yield f"columns.weight names {config.columns.weight!r}, which may be null: {schema_edit}"


def _choices(entry: BaseModel) -> str:
    """Return the valid values of a role's `missing`, joined with "or"."""
    field = type(entry).model_fields.get("missing")
    options = typing.get_args(field.annotation) if field else ()
    values = [value for part in options if typing.get_origin(part) is Literal for value in typing.get_args(part)]
    return " or ".join(f'"{value}"' for value in values)


def _undefined(feature: schema_pb2.Feature) -> str:
    """Return the properties of a column that the schema does not define, and the edit; empty if it is complete."""
    if not feature.name.strip():
        return "has no name: remove it, or name the column in the data"
    if feature.type not in (schema_pb2.INT, schema_pb2.FLOAT, schema_pb2.BYTES):
        return "has no supported type: write INT, FLOAT or BYTES"
    sizes = [dim.size for dim in feature.shape.dim]
    if _optional(feature):
        if feature.HasField("shape"):
            return (
                "may be null and has a shape: write value_count { min: 1 max: 1 } instead of the shape, or "
                "presence { min_fraction: 1.0 min_count: 1 } if it is never null"
            )
        if (feature.value_count.min, feature.value_count.max) != (1, 1):
            return "may hold any number of values: write value_count { min: 1 max: 1 }"
    elif sizes != [1]:
        return "may hold any number of values: write shape { dim { size: 1 } }"
    return ""


def _optional(feature: schema_pb2.Feature) -> bool:
    """Return whether a column may be null."""
    return bool(feature.presence.min_fraction < 1.0)
