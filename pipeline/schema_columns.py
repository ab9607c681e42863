"""The columns of the reviewed schema, and whether what the config asks of them fits."""

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
    """Columns of schemas/NAME.pbtxt and their types (INT, FLOAT, BYTES), in order.

    Raises:
        UserError: the schema is missing, cannot be read, or leaves a column's presence open.
    """
    shown, features = f"{SCHEMAS}/{name}.pbtxt", schema(root, name).feature
    columns = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in features}
    findings = [f"{shown}: column {feature.name!r} {_open(feature)}" for feature in features if _open(feature)]
    if findings:
        raise UserError("\n".join(findings))
    return columns


def optional_columns(root: str, name: str) -> frozenset[str]:
    """Columns of schemas/NAME.pbtxt that a row may lack.

    Raises:
        UserError: the schema is missing or cannot be read.
    """
    return frozenset(feature.name for feature in schema(root, name).feature if _optional(feature))


def schema(root: str, name: str) -> schema_pb2.Schema:
    """The reviewed schema schemas/NAME.pbtxt.

    Raises:
        UserError: it is missing or cannot be read.
    """
    shown = f"{SCHEMAS}/{name}.pbtxt"
    try:
        with open(os.path.join(root, shown), encoding="utf-8") as file:
            return text_format.Parse(file.read(), schema_pb2.Schema())
    except FileNotFoundError as error:
        raise UserError(f"{shown} is missing: a run is judged against a reviewed schema; write one") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise UserError(f"{shown}: this is not a schema: {error}") from error


def check_columns(
    name: str,
    config: Config,
    columns: Mapping[str, str],
    optional: Collection[str] = (),
    schema: str | None = None,
) -> None:
    """See that each column the config names is in the schema, with a type and a rule for missing cells that fit.

    Args:
        name: The pipeline.
        config: Its config.
        columns: Column name -> type of the reviewed schema.
        optional: Columns that a row may lack.
        schema: The schema's stem, where it is not the pipeline's.

    Raises:
        UserError: one line a finding.
    """
    findings: list[str] = []
    shown, shown_schema = f"{CONFIGS}/{name}.toml", f"{SCHEMAS}/{schema or name}.pbtxt"

    def demand(key: str, column: str, kinds: tuple[str, ...] = (), what: str = "this role needs") -> None:
        if column not in columns:
            findings.append(
                f"{shown}: {key} names {column!r}, which {shown_schema} does not define.{nearest(column, columns)}"
            )
        elif kinds and columns[column] not in kinds:
            findings.append(
                f"{shown}: {key} names {column!r}, which is {columns[column]} in {shown_schema}; {what} "
                f"{' or '.join(kinds)}"
            )

    for role, entry in config.features.entries():
        for column in entry.columns():
            demand(f"features.{role}", column, entry.types)
    for column in config.features.ignored:
        demand("features.ignored", column)
    if config.label.column is not None:
        demand("label.column", config.label.column, NUMBERS if config.label.needs_number else ())
    if config.data.split.column is not None:
        demand("data.split.column", config.data.split.column)
    for column in config.data.column_null_values:
        demand("data.column_null_values", column)
    for column in config.data.dates:
        demand("data.dates", column, ("BYTES",), "it needs")
    for column in config.data.fold_case:
        demand("data.fold_case", column, ("BYTES",), "it needs")
    for duty, column in config.columns:
        if column is not None:
            demand(f"columns.{duty}", column, NUMBERS if duty == "weight" else ())
    for key, column in config.gates.named():
        demand(key, column)
    for key, column, kinds, what in config.evaluation.columns():
        demand(key, column, kinds, what)
    findings.extend(f"{shown}: {text}" for text in _unfit(config, columns))
    findings.extend(f"{shown}: {text}" for text in _unruled(config, optional, shown_schema))
    if findings:
        raise UserError("\n".join(findings))


def unused(config: Config, columns: Iterable[str]) -> Omissions:
    """Columns of the schema that the model neither reads nor learns, and why.

    Args:
        config: The config.
        columns: Columns of the schema.
    """
    found = Omissions()
    reads = {*config.watched(dict.fromkeys(columns, ""))["used"], config.label.column}
    reasons = {column: f"[columns] {duty}" for duty, column in config.columns if column is not None}
    if config.data.split.column is not None:
        reasons[config.data.split.column] = "data.split.column"
    reasons |= dict.fromkeys(config.features.ignored, "features.ignored")
    for column in columns:
        if column not in reads:
            found.add("column", reasons.get(column, "named under no role"), column, action="not used")
    return found


def _unfit(config: Config, columns: Mapping[str, str]) -> Iterator[str]:
    """What [data] asks for that does not fit the columns."""
    for column in config.data.drop:
        if column in columns:
            yield f"data.drop leaves {column!r} out, which the schema defines: take it out of one of the two"
    if config.data.split.by == "time" and config.columns.time is None:
        yield "data.split.by is 'time': name the column that tells when a row was as [columns] time"
    if config.data.spans is not None and config.columns.time is None:
        yield "data.spans cuts a column of dates: name it as [columns] time"
    for text in config.data.exclude:
        try:
            Expression(text).check(columns)
        except ValueError as error:
            yield f"data.exclude: {error}"


def _unruled(config: Config, optional: Collection[str], schema: str) -> Iterator[str]:
    """Columns that may be missing, used where nothing says what then."""
    complete = f"write presence {{ min_fraction: 1.0 min_count: 1 }} and shape {{ dim {{ size: 1 }} }} in {schema}"
    for role, entry in config.features.entries():
        for column in () if entry.derived else entry.columns():
            rule = getattr(entry, "missing", None)
            if column in optional and rule is None:
                choices = _choices(entry)
                give = f"give it missing = {choices}, or " if choices else ""
                yield f"features.{role} names {column!r}, which a row may lack: {give}{complete}"
            elif column in optional and rule == "drop":
                yield f"features.{role} drops the rows that lack {column!r}, so that none is left: {complete}"
    if config.columns.weight in optional:
        yield f"columns.weight names {config.columns.weight!r}, which a row may lack: {complete}"


def _choices(entry: BaseModel) -> str:
    """Words that a role's `missing` takes, as a choice."""
    field = type(entry).model_fields.get("missing")
    options = typing.get_args(field.annotation) if field else ()
    words = [word for part in options if typing.get_origin(part) is Literal for word in typing.get_args(part)]
    return " or ".join(f'"{word}"' for word in words)


def _open(feature: schema_pb2.Feature) -> str:
    """What a schema leaves open about a column; empty where it says all that is needed."""
    if not feature.name.strip():
        return "has no name: take it out, or give the column a name in the data"
    if feature.type not in (schema_pb2.INT, schema_pb2.FLOAT, schema_pb2.BYTES):
        return "has no type that a table can hold: write INT, FLOAT or BYTES"
    sizes = [dim.size for dim in feature.shape.dim]
    if _optional(feature):
        if feature.HasField("shape"):
            return (
                "may be missing in a row and has a shape: write value_count { min: 1 max: 1 } instead of the shape, or "
                "presence { min_fraction: 1.0 min_count: 1 } where it is in every row"
            )
        if (feature.value_count.min, feature.value_count.max) != (1, 1):
            return "may hold any number of values: write value_count { min: 1 max: 1 }"
    elif sizes != [1]:
        return "may hold any number of values: write shape { dim { size: 1 } }"
    return ""


def _optional(feature: schema_pb2.Feature) -> bool:
    """Whether a row may lack it."""
    return bool(feature.presence.min_fraction < 1.0)
