"""Readers of Schema and ExampleAnomalies artifacts."""

import os
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from errors import ResourceError
from inspection.read import recorded_findings
from inspection.read.column_statistics import column_name
from inspection.store import artifact_files
from inspection.store.metadata_store import properties

_ANOMALIES = r"SchemaDiff\.pb|anomalies\.pbtxt"


@dataclass(frozen=True, kw_only=True)
class SchemaColumn:
    """A column of a schema.

    Attributes:
      presence: `required`, `optional`, or the share of rows that must have a value.
      domain: Range or allowed values.
      rules: All fields of the proto that are set, by name.
    """

    name: str
    type: str
    presence: str
    domain: str
    rules: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """An anomaly of a column in a split, or of the whole split.

    Attributes:
      column: The column; empty for the whole split.
      what: `schema` if this pipeline's validation wrote the description, else TFDV's short description.
      edit: The change of schema or config that would accept it; empty if unknown.
    """

    split: str
    column: str
    severity: str
    what: str
    description: str
    edit: str = ""


def read_schema(artifact: pb.Artifact) -> list[SchemaColumn]:
    """Read a Schema artifact.

    Raises:
      UserError: The artifact is in a bucket.
      ResourceError: The file of the artifact is missing or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"Schema {artifact.id}")
    if os.path.isdir(path):
        files = artifact_files.matching_files(path, r"schema\.pbtxt") or artifact_files.matching_files(
            path, r".*\.pbtxt"
        )
        if not files:
            raise ResourceError(f"{path} contains no schema.pbtxt")
        path = files[0]
    schema = artifact_files.message(path, schema_pb2.Schema)
    values = {domain.name: list(domain.value) for domain in schema.string_domain}
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
    min_share = feature.presence.min_fraction
    return "required" if min_share == 1 else f"in at least {min_share:.4g} of the rows" if min_share else "optional"


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
    """Read an ExampleAnomalies artifact.

    Our validation describes anomalies in gates.json of the artifact; without it, TFDV's descriptions are returned.

    Returns:
      The validated splits, and the anomalies, errors first.

    Raises:
      UserError: The artifact is in a bucket.
      ResourceError: Files of the artifact are missing or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ExampleAnomalies {artifact.id}")
    folders = artifact_files.splits(path, str(properties(artifact).get("split_names") or ""))
    described = {
        (split, finding.column or ""): finding
        for finding in recorded_findings.read_findings(path)
        if finding.gate == recorded_findings.SCHEMA
        for split in finding.splits
    }
    anomalies: list[Anomaly] = []
    for split, folder in folders.items():
        files = artifact_files.matching_files(folder, _ANOMALIES)
        if not files:
            raise ResourceError(f"{folder} contains no anomalies: expected SchemaDiff.pb")
        parsed = artifact_files.message(files[0], anomalies_pb2.Anomalies)
        if parsed.data_missing:
            error = anomalies_pb2.AnomalyInfo.ERROR
            anomalies.append(_anomaly(split, "", error, "No data", "the split has no rows"))
        infos = [(column_name(info.path) or name, info) for name, info in sorted(parsed.anomaly_info.items())]
        if parsed.HasField("dataset_anomaly_info"):
            infos.insert(0, ("", parsed.dataset_anomaly_info))
        for column, info in infos:
            anomalies += _described(split, column, info, described.get((split, column)))
    return list(folders), sorted(anomalies, key=lambda anomaly: anomaly.severity != "ERROR")


def _described(split: str, column: str, info: Any, finding: recorded_findings.Finding | None) -> list[Anomaly]:
    if finding is not None:
        return [_anomaly(split, column, info.severity, finding.gate, finding.text, finding.edit)]
    reasons = [(reason.short_description, reason.description) for reason in info.reason]
    reasons = reasons or [(info.short_description, info.description)]
    return [_anomaly(split, column, info.severity, kind, description) for kind, description in reasons]


def _anomaly(split: str, column: str, severity: int, kind: str, description: str, edit: str = "") -> Anomaly:
    name = anomalies_pb2.AnomalyInfo.Severity.Name(severity)
    return Anomaly(split=split, column=column, severity=name, what=kind, description=description, edit=edit)
