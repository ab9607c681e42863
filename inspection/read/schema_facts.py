"""Schemas and anomalies, out of what TFDV wrote."""

import os
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from errors import ResourceError
from inspection.read.column_statistics import column_name
from inspection.store import artifact_files
from inspection.store.metadata_store import properties

_ANOMALIES = r"SchemaDiff\.pb|anomalies\.pbtxt"


@dataclass(frozen=True, kw_only=True)
class SchemaColumn:
    """What a schema demands of one column.

    Attributes:
      presence: `required`, `optional`, or the share of rows that must have a value.
      domain: Range or values.
      rules: All that the schema says, by protobuf's names.
    """

    name: str
    type: str
    presence: str
    domain: str
    rules: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """One anomaly of one column of one split; of the whole split where `column` is empty."""

    split: str
    column: str
    severity: str
    what: str
    description: str


def read_schema(artifact: pb.Artifact) -> list[SchemaColumn]:
    """Reads a Schema artifact.

    Raises:
      UserError: It is in a bucket.
      ResourceError: Its file is gone or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"Schema {artifact.id}")
    if os.path.isdir(path):
        found = artifact_files.named(path, r"schema\.pbtxt") or artifact_files.named(path, r".*\.pbtxt")
        if not found:
            raise ResourceError(f"{path} holds no schema.pbtxt")
        path = found[0]
    schema = artifact_files.message(path, schema_pb2.Schema)
    values = {each.name: list(each.value) for each in schema.string_domain}
    return [_column(feature, values) for feature in schema.feature]


def _column(feature: Any, shared: dict[str, list[str]]) -> SchemaColumn:
    rules = json_format.MessageToDict(feature, preserving_proto_field_name=True)
    if feature.WhichOneof("domain_info") == "domain" and feature.domain in shared:
        rules["domain"] = shared[feature.domain]
    return SchemaColumn(
        name=feature.name,
        type=schema_pb2.FeatureType.Name(feature.type),
        presence=_presence(feature),
        domain=_domain(feature, shared),
        rules={key: value for key, value in rules.items() if key != "name"},
    )


def _presence(feature: Any) -> str:
    if not feature.HasField("presence"):
        return "optional"
    least = feature.presence.min_fraction
    return "required" if least == 1 else f"at least {least:.4g} of the rows" if least else "optional"


def _domain(feature: Any, shared: dict[str, list[str]]) -> str:
    kind = feature.WhichOneof("domain_info")
    if kind in ("int_domain", "float_domain"):
        domain = getattr(feature, kind)
        low = f"{domain.min:g}" if domain.HasField("min") else ""
        high = f"{domain.max:g}" if domain.HasField("max") else ""
        return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else ""
    if kind == "string_domain":
        return ", ".join(feature.string_domain.value)
    if kind == "domain":
        return ", ".join(shared.get(feature.domain, [feature.domain]))
    return str(kind or "").removesuffix("_domain")


def read_anomalies(artifact: pb.Artifact) -> tuple[list[str], list[Anomaly]]:
    """Reads an ExampleAnomalies artifact.

    Returns:
      The splits that were looked at, and what was found, errors first.

    Raises:
      UserError: It is in a bucket.
      ResourceError: Its files are gone or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ExampleAnomalies {artifact.id}")
    folders = artifact_files.splits(path, str(properties(artifact).get("split_names") or ""))
    found: list[Anomaly] = []
    for split, folder in folders.items():
        named = artifact_files.named(folder, _ANOMALIES)
        if not named:
            raise ResourceError(f"{folder} holds no anomalies: expected SchemaDiff.pb")
        parsed = artifact_files.message(named[0], anomalies_pb2.Anomalies)
        if parsed.data_missing:
            found.append(_anomaly(split, "", anomalies_pb2.AnomalyInfo.ERROR, "No data", "the split holds no row"))
        if parsed.HasField("dataset_anomaly_info"):
            found += _told(split, "", parsed.dataset_anomaly_info)
        for name, info in sorted(parsed.anomaly_info.items()):
            found += _told(split, column_name(info.path) or name, info)
    return list(folders), sorted(found, key=lambda anomaly: anomaly.severity != "ERROR")


def _told(split: str, column: str, info: Any) -> list[Anomaly]:
    reasons = [(each.short_description, each.description) for each in info.reason]
    reasons = reasons or [(info.short_description, info.description)]
    return [_anomaly(split, column, info.severity, what, description) for what, description in reasons]


def _anomaly(split: str, column: str, severity: int, what: str, description: str) -> Anomaly:
    word = anomalies_pb2.AnomalyInfo.Severity.Name(severity)
    return Anomaly(split=split, column=column, severity=word, what=what, description=description)
