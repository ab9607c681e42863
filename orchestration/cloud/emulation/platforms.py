"""Emulated platforms: the inputs that Kubeflow and Vertex AI pass to a step, and the outputs that they read from it.

Kubeflow is emulated after the source of version 2.17 and recorded inputs of its driver: URIs are
ROOT/PIPELINE/RUN/TASK/UUID/KEY, each task has an output `executor-logs`, input artifacts have an empty type, and the
launcher copies inputs and outputs between the object store and folders of the pod.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from orchestration.cloud import places

Artifact = dict[str, Any]
LOGS = "executor-logs"
"""Output that Kubeflow's driver adds to each task."""
_STORE_PARAMS = {
    "minio": {
        "accessKeyKey": "accesskey",
        "disableSSL": "true",
        "endpoint": "seaweedfs.kubeflow:9000",
        "fromEnv": "false",
        "maxRetries": "5",
        "region": "minio",
        "secretKeyKey": "secretkey",
        "secretName": "mlpipeline-minio-artifact",
    }
}
"""Scheme -> parameters of the default object store, as the driver stores them with each artifact."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task that is about to run.

    Attributes:
        name: Id of the task in the job.
        component: Specification of its component.
        parameters: Values of its parameters.
        inputs: Key -> artifact that another task has written.
        root: URI of the folder of all artifacts.
        pipeline: Name of the pipeline.
        run_id: Id of the run.
    """

    name: str
    component: Mapping[str, Any]
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Artifact]
    root: str
    pipeline: str
    run_id: str

    @property
    def outputs(self) -> dict[str, Any]:
        """Key -> specification of an output artifact."""
        outputs: dict[str, Any] = self.component.get("outputDefinitions", {}).get("artifacts", {})
        return outputs


class Platform(Protocol):
    """A platform."""

    def executor_input(self, task: Task) -> dict[str, Any]:
        """Compose the input of a step."""

    def prepare(self, executor_input: Mapping[str, Any], buckets: str, pod: str) -> dict[str, str]:
        """Prepare files for a step and return its environment variables."""

    def collect(self, executor_input: Mapping[str, Any], buckets: str, pod: str) -> dict[str, Artifact]:
        """Return the step's output artifacts by key, after its files are in the buckets."""

    def register(self, key: str, artifact: Artifact, number: int) -> Artifact:
        """Return an output artifact in the form in which the platform passes it to other steps."""


class Kubeflow:
    """Kubeflow Pipelines 2.17: driver and launcher."""

    def executor_input(self, task: Task) -> dict[str, Any]:
        """Compose the input as the driver does, for a run that names its pipeline root."""
        folder = f"{task.root}/{task.pipeline}/{task.run_id}/{task.name}/{uuid.uuid4()}"
        types = {key: value["artifactType"] for key, value in task.outputs.items()}
        types[LOGS] = {"schemaTitle": "system.Artifact"}
        scheme, _, path = folder.partition("://")
        return {
            "inputs": _inputs(task),
            "outputs": {
                "artifacts": {
                    key: {"artifacts": [{"name": key, "type": artifact_type, "uri": f"{folder}/{key}"}]}
                    for key, artifact_type in sorted(types.items())
                },
                "outputFile": f"/{places.LAUNCHER[scheme]}/{path}/output_metadata.json",
            },
        }

    def prepare(self, executor_input: Mapping[str, Any], buckets: str, pod: str) -> dict[str, str]:
        """Download the inputs and make the folders above the outputs, as the launcher does."""
        for group in executor_input["inputs"].get("artifacts", {}).values():
            for artifact in group["artifacts"]:
                source = places.in_buckets(artifact["uri"], buckets)
                if os.path.exists(source):
                    _copy(source, _in_pod(artifact["uri"], pod))
        for group in executor_input["outputs"]["artifacts"].values():
            for artifact in group["artifacts"]:
                os.makedirs(os.path.dirname(_in_pod(artifact["uri"], pod)), exist_ok=True)
        return {places.POD: pod, places.BUCKETS: buckets}

    def collect(self, executor_input: Mapping[str, Any], buckets: str, pod: str) -> dict[str, Artifact]:
        """Upload the outputs, as the launcher does; an output that the step has not written is no error."""
        outputs = _merged(executor_input, pod + executor_input["outputs"]["outputFile"])
        for artifact in outputs.values():
            source = _in_pod(artifact["uri"], pod)
            if os.path.exists(source):
                _copy(source, places.in_buckets(artifact["uri"], buckets))
        return outputs

    def register(self, key: str, artifact: Artifact, number: int) -> Artifact:
        """Return the artifact with its id, without its type, and with the metadata that the driver adds."""
        scheme = artifact["uri"].partition("://")[0]
        session = {"Provider": scheme, "Params": _STORE_PARAMS.get(scheme, {"fromEnv": "true"})}
        added = {"display_name": key, "store_session_info": json.dumps(session, separators=(",", ":"))}
        return {
            "metadata": dict(sorted({**artifact.get("metadata", {}), **added}.items())),
            "name": str(number),
            "type": {"instanceSchema": ""},
            "uri": artifact["uri"],
        }


class Vertex:
    """Vertex AI Pipelines: steps read and write the bucket themselves."""

    PROJECT = "123456789012"
    """Number of a project, which is part of each path."""

    def executor_input(self, task: Task) -> dict[str, Any]:
        """Compose the input."""
        number = int(hashlib.sha256(f"{task.run_id}/{task.name}".encode()).hexdigest()[:15], 16)
        folder = f"{task.root}/{self.PROJECT}/{task.run_id}/{task.name}_-{number}"
        return {
            "inputs": _inputs(task),
            "outputs": {
                "artifacts": {
                    key: {"artifacts": [self._announced(f"{folder}/{key}", value["artifactType"])]}
                    for key, value in sorted(task.outputs.items())
                },
                "outputFile": f"{folder}/executor_output.json",
            },
        }

    def _announced(self, uri: str, kind: Any) -> Artifact:
        number = int(hashlib.sha256(uri.encode()).hexdigest()[:15], 16)
        name = f"projects/{self.PROJECT}/locations/us-central1/metadataStores/default/artifacts/{number}"
        return {"name": name, "type": kind, "uri": uri}

    def prepare(self, executor_input: Mapping[str, Any], buckets: str, pod: str) -> dict[str, str]:
        """Return the folder of the buckets, which the step itself reads."""
        return {places.BUCKETS: buckets}

    def collect(self, executor_input: Mapping[str, Any], buckets: str, pod: str) -> dict[str, Artifact]:
        """Read what the step has written."""
        return _merged(executor_input, places.in_buckets(executor_input["outputs"]["outputFile"], buckets))

    def register(self, key: str, artifact: Artifact, number: int) -> Artifact:
        """Return the artifact as it is."""
        return artifact


PLATFORMS: Mapping[str, Platform] = {"kubeflow": Kubeflow(), "vertex": Vertex()}


def _inputs(task: Task) -> dict[str, Any]:
    artifacts = {key: {"artifacts": [artifact]} for key, artifact in task.inputs.items()}
    return {**({"artifacts": artifacts} if artifacts else {}), "parameterValues": dict(task.parameters)}


def _in_pod(uri: str, pod: str) -> str:
    scheme, _, path = uri.partition("://")
    return os.path.join(pod, places.LAUNCHER[scheme], path)


def _copy(source: str, target: str) -> None:
    if os.path.isdir(source):
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)


def _merged(executor_input: Mapping[str, Any], output_file: str) -> dict[str, Artifact]:
    """Merge the outputs that the platform announced with the descriptions that the step wrote."""
    described_outputs: dict[str, Any] = {}
    if os.path.exists(output_file):
        with open(output_file, encoding="utf-8") as file:
            described_outputs = json.load(file).get("artifacts", {})
    outputs = {}
    for key, group in executor_input["outputs"]["artifacts"].items():
        if key != LOGS:
            [announced] = group["artifacts"]
            [described] = described_outputs.get(key, {}).get("artifacts") or [{}]
            outputs[key] = {
                **announced,
                "uri": described.get("uri") or announced["uri"],
                "metadata": {**announced.get("metadata", {}), **described.get("metadata", {})},
            }
    return outputs
