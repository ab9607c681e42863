"""Inputs of steps as Kubeflow's driver and launcher 2.17 pass them, of tiny components."""

import json
from pathlib import Path
from typing import Any

REAL = Path(__file__).parents[4] / "shared" / "cases" / "kubeflow"
"""Inputs of all steps of a houses job, recorded from the real driver; they are not part of the repository."""
RUN = "mlpipeline/v2/artifacts/houses/1b2c"
SCHEMA_TYPE = {"instanceSchema": "title: tfx.Schema\ntype: object\n"}
MODEL_TYPE = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
LOGS_TYPE = {"schemaTitle": "system.Artifact"}


def artifact(scheme: str, step: str, key: str, kind: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return a list with one artifact, in the form of ExecutorInput."""
    return {"artifacts": [{"name": key, "uri": f"{scheme}://{RUN}/{step}/9f/{key}", "type": kind, **more}]}


def executor_input(
    step: str = "schema",
    *,
    scheme: str = "minio",
    parameters: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    outputs: dict[str, dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the ExecutorInput of a step with executor logs, as the driver composes it.

    Args:
        step: The step.
        scheme: Scheme of the object store.
        parameters: Values of the parameters.
        inputs: Key -> list of artifacts, as of `artifact`.
        outputs: Key -> type of the output.
    """
    folder = {"gs": "gcs"}.get(scheme, scheme)
    kinds = {**(outputs or {}), "executor-logs": LOGS_TYPE}
    return {
        "inputs": {"parameterValues": parameters or {}, **({"artifacts": inputs} if inputs else {})},
        "outputs": {
            "artifacts": {key: artifact(scheme, step, key, kind) for key, kind in kinds.items()},
            "outputFile": f"/{folder}/{RUN}/{step}/9f/output_metadata.json",
        },
    }


def inputs_spec(**kinds: dict[str, str]) -> dict[str, Any]:
    """Return the ComponentInputsSpec of a component: the type of each input artifact."""
    return {"artifacts": {key: {"artifactType": kind} for key, kind in kinds.items()}}


def arguments(executor: str, task_input: Any, spec: Any) -> list[str]:
    """Return the program's name and the arguments of a step."""
    return [
        *("step", "--executor_class_path", executor),
        *("--json_serialized_invocation_args", json.dumps(task_input)),
        *("--json_serialized_inputs_spec_args", json.dumps(spec)),
        "--runner=FnApiRunner",
    ]
