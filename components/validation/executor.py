"""Stock validation, which finds anomalies and stops nothing, and then the gates."""

import json
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.example_validator.executor import Executor as ExampleValidatorExecutor
from tfx.components.schema_gen import executor as schema_gen
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components import summary
from components.fingerprints import code_digest
from components.validation import gate_findings, row_locations
from components.validation.gate_context import Today, gathered, looked_back
from components.validation.gate_findings import Finding
from components.validation.gates import drift_gates, figure_gates, label_gate, schema_gate
from components.validation.history import STATISTICS_ID
from errors import GateError
from spec import settings
from spec.columns.label import Label

JUDGES = {**figure_gates.GATES, "drift": drift_gates.drift, "skew": drift_gates.skew}
"""Key of [gates] -> what judges it."""


class Executor(ExampleValidatorExecutor):  # type: ignore[misc]
    """TFX calls `Do`."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Validate each split, and the run against earlier ones.

        Raises:
            GateError: a gate is set to block and its limit is passed; names column, limit, value, rows and the edit.
        """
        super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["anomalies"])
        figures = artifact_utils.get_single_instance(input_dict["statistics"])
        splits = artifact_utils.decode_split_names(artifact.split_names)
        schema = io_utils.SchemaReader().read(
            f"{artifact_utils.get_single_uri(input_dict['schema'])}/{schema_gen.DEFAULT_FILE_NAME}"
        )
        statistics = {split: stats_artifact_utils.load_statistics(figures, split).proto() for split in splits}
        config = settings.unpack(json.loads(exec_properties.get("settings") or '{"inline": {}}'))
        anomalies = {split: _anomalies(artifact, split) for split in splits}
        label = Label.model_validate(config["label"]) if config.get("label") else None
        found = schema_gate.findings(anomalies, statistics, schema, config.get("schema", "the schema"), label)
        if config:
            marked = gathered(input_dict.get("examples", []))
            before = looked_back(figures, input_dict.get("history", []))
            today = Today(config, schema, statistics, *marked, before)
            # What the schema refuses is not told twice.
            known = {finding.column for finding in found}
            found += gate_findings.worst(one for one in label_gate.unlearnable(today) if one.column not in known)
            for name, judge in JUDGES.items():
                if today.gate(name)["action"] != "off":
                    told = (one for one in judge(today) if one.column is None or one.column not in known)
                    found += gate_findings.worst(told)
        blocked = [finding for finding in found if finding.action == "block"]
        if config and blocked:
            row_locations.locate(blocked, config["source"], config["source_content"])
        with fileio.open(f"{artifact.uri}/{gate_findings.FILE}", "w") as file:
            file.write(gate_findings.dump(found))
        if blocked:
            raise GateError(_refusal(blocked), [finding.plain() for finding in found])
        artifact.set_int_custom_property(STATISTICS_ID, figures.id)
        warned = f"; {len(found)} warning{'s' if len(found) > 1 else ''}" if found else ""
        summary.put(artifact, f"no anomaly in {', '.join(splits)}{warned}")


def _anomalies(artifact: Any, split: str) -> anomalies_pb2.Anomalies:
    path = f"{artifact_utils.get_split_uri([artifact], split)}/{DEFAULT_FILE_NAME}"
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())


def _refusal(blocked: list[Finding]) -> str:
    """Why the data goes no further: the schema's findings, then the gates'."""
    parts = []
    by_schema = [f"  {finding.line()}" for finding in blocked if finding.gate == "schema"]
    others = [f"  {finding.line()}" for finding in blocked if finding.gate != "schema"]
    if others:
        parts += ["a gate stops the data:", *others, "Mend the data, or accept it by the edit that is named."]
    if by_schema:
        parts += [
            "the data does not match the reviewed schema:",
            *by_schema,
            "Mend the data, or accept the change by editing the schema file of this pipeline in schemas/.",
        ]
    return "\n".join(parts)
