"""Write [cloud] into a compiled job: resources, retries, time limits, labels and environment of the stages."""

from collections.abc import Iterator, Mapping
from typing import Any

from spec.cloud import Cloud, Machine

TIMEOUT = "PIPELINE_STAGE_SECONDS"
"""Environment variable of a stage: its time limit; orchestration/cloud/step.py enforces it."""
GPU = "nvidia.com/gpu"
"""Kubernetes' name of the resource; it has none for the model."""
_RETRY_SECONDS = {"backoffDuration": "60s", "backoffFactor": 2.0, "backoffMaxDuration": "1800s"}
_SECRET_KEYS = {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}
"""Key of the secret, as Kubeflow names them -> variable."""


def apply(job: dict[str, Any], cloud: Cloud, *, kubeflow: bool) -> None:
    """Change a compiled job in place.

    Args:
        job: A PipelineJob in its JSON form.
        cloud: The settings.
        kubeflow: Whether the job is for Kubeflow, where labels and secrets are those of pods: see `platform`.

    Raises:
        ValueError: the settings name a stage that the job does not have.
    """
    containers = dict(_containers(job))
    cloud.check(containers)
    for stage, (task, container) in containers.items():
        machine = cloud.of(stage)
        if resources := _resources(machine, kubeflow=kubeflow):
            container["resources"] = resources
        if machine.retries:
            task["retryPolicy"] = {"maxRetryCount": machine.retries, **_RETRY_SECONDS}
        variables = {**cloud.environment, **({TIMEOUT: f"{machine.timeout:g}"} if machine.timeout else {})}
        if variables:
            container["env"] = [{"name": name, "value": value} for name, value in sorted(variables.items())]
    if cloud.labels and not kubeflow:
        job["labels"] = {**job.get("labels", {}), **cloud.labels}


def platform(job: Mapping[str, Any], cloud: Cloud, spot: str | None = None) -> dict[str, Any] | None:
    """Return what only Kubernetes knows: the second document of a file for Kubeflow; None if there is nothing.

    Args:
        job: A PipelineJob in its JSON form.
        cloud: The settings.
        spot: LABEL=VALUE of nodes that may go away at any time; None for any node.
    """
    settings: dict[str, Any] = {}
    if spot:
        label, _, value = spot.partition("=")
        settings["nodeSelector"] = {"labels": {label: value}}
        # Clusters keep other pods off such nodes with a taint of the same name.
        settings["tolerations"] = [{"key": label, "operator": "Equal", "value": value, "effect": "NoSchedule"}]
    if cloud.labels:
        settings["podMetadata"] = {"labels": dict(cloud.labels)}
    if cloud.bucket_secret:
        keys = [{"secretKey": key, "envVar": variable} for key, variable in _SECRET_KEYS.items()]
        settings["secretAsEnv"] = [{"secretName": cloud.bucket_secret, "keyToEnv": keys}]
    if not settings:
        return None
    labels = {job["pipelineSpec"]["components"][task["componentRef"]["name"]]["executorLabel"] for task, _ in
              dict(_containers(job)).values()}  # fmt: skip
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": dict.fromkeys(sorted(labels), settings)}}}}


def _containers(job: Mapping[str, Any]) -> Iterator[tuple[str, tuple[dict[str, Any], dict[str, Any]]]]:
    """Yield each stage that runs in a container, with its task and its container."""
    spec = job["pipelineSpec"]
    for stage, task in spec["root"]["dag"]["tasks"].items():
        executor = spec["deploymentSpec"]["executors"][
            spec["components"][task["componentRef"]["name"]]["executorLabel"]
        ]
        if "container" in executor:
            yield stage, (task, executor["container"])


def _resources(machine: Machine, *, kubeflow: bool) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    if machine.cpu:
        resources["cpuLimit"] = machine.cpu
    if machine.gigabytes:
        resources["memoryLimit"] = machine.gigabytes
    if machine.accelerator:
        kind = GPU if kubeflow and "/" not in machine.accelerator else machine.accelerator
        resources["accelerator"] = {"type": kind, "count": str(machine.accelerators or 1)}
    return resources
