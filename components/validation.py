"""The validation node: a gate that compares every split's statistics with the reviewed schema."""

from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.example_validator.executor import Executor as ExampleValidatorExecutor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components import summary
from errors import GateError


class Executor(ExampleValidatorExecutor):  # type: ignore[misc]
    """Stock validation, which finds anomalies and stops nothing, and then the gate."""

    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Validate each split.

        Raises:
            GateError: a split differs from the schema; names split, column and the difference.
        """
        super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["anomalies"])
        splits = artifact_utils.decode_split_names(artifact.split_names)
        findings: dict[str, list[str]] = {}
        for split in splits:
            path = f"{artifact_utils.get_split_uri([artifact], split)}/{DEFAULT_FILE_NAME}"
            with fileio.open(path, "rb") as file:
                anomalies = anomalies_pb2.Anomalies.FromString(file.read())
            for finding in describe(anomalies):
                findings.setdefault(finding, []).append(split)
        if findings:
            lines = [f"  {finding} (in {', '.join(where)})" for finding, where in findings.items()]
            raise GateError(
                "the data does not match the reviewed schema:\n" + "\n".join(lines) + "\n"
                "Mend the data, or accept the change by editing the schema file of this pipeline in schemas/."
            )
        summary.put(artifact, f"no anomaly in {', '.join(splits)}")


def describe(anomalies: anomalies_pb2.Anomalies) -> list[str]:
    """Say each anomaly in a line: column, what is wrong and the figures."""
    lines = []
    for path, info in sorted(anomalies.anomaly_info.items()):
        reasons = [f"{reason.short_description}: {reason.description}" for reason in info.reason]
        lines.append(f"column {path!r}: " + "; ".join(reasons or [info.description]))
    if anomalies.HasField("dataset_anomaly_info"):
        lines.append(f"the whole table: {anomalies.dataset_anomaly_info.description}")
    return lines


class Validation(ExampleValidator):  # type: ignore[misc]
    """ExampleValidator with our gate."""

    EXECUTOR_SPEC = ExecutorClassSpec(Executor)


def validation(*, statistics: Any, schema: Any) -> Validation:
    """Make the node `validation`.

    Args:
        statistics: Channel of ExampleStatistics.
        schema: Channel of Schema.

    Returns:
        A node with output `anomalies`, which fails with GateError where there is one.
    """
    node: Validation = Validation(statistics=statistics, schema=schema).with_id("validation")
    return node
