"""The compiled job of Kubeflow Pipelines or Vertex AI, which TFX compiles and this module completes and checks."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline

from errors import RunError
from orchestration.cloud import step
from orchestration.cloud.parameters.runtime_parameters import FACTS
from orchestration.cloud.remote import in_order

SCHEMA_VERSION = "2.1.0"
"""Version of the pipeline spec; open-source Kubeflow Pipelines accepts no other."""
TASK_ID = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""Valid id of a task, which becomes part of the name of a pod."""


def compile_job(pipeline: Pipeline, *, image: str, uncached: Iterable[str]) -> dict[str, Any]:
    """Compile a pipeline.

    Args:
        pipeline: The pipeline of create_pipeline.
        image: Container image of every task; `python -m` must find this repository in it.
        uncached: Ids of tasks that run every time, even with the cache on.

    Returns:
        A PipelineJob in its JSON form.
    """
    config = KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=["python", "-m", step.MODULE], use_pipeline_spec_2_1=True
    )
    job: dict[str, Any] = KubeflowV2DagRunner(config=config).run(pipeline, write_out=False)
    for task_id in uncached:
        _tasks(job)[task_id]["cachingOptions"] = {}
    return job


def record_runs(job: dict[str, Any], *, home: str, stage: str, facts: Mapping[str, Any]) -> None:
    """Make each step record its run in the folder of the pipeline; see run_recording.py.

    Args:
        job: A PipelineJob in its JSON form, which is changed.
        home: Folder of the pipeline.
        stage: The step that gets the facts. It must be one that is never cached, because cache keys must not depend on
            the facts.
        facts: Facts that each run records in run.json.
    """
    spec, tasks = job["pipelineSpec"], _tasks(job)
    for executor in spec["deploymentSpec"]["executors"].values():
        if "container" in executor:
            executor["container"]["args"] = [f"--{step.HOME}={home}", *executor["container"].get("args", [])]
    upstream = {task_id: sorted(tasks[task_id].get("dependentTasks", ())) for task_id in sorted(tasks)}
    text = json.dumps({**facts, "nodes": list(in_order(tasks)), "upstream": upstream})
    component = spec["components"][tasks[stage]["componentRef"]["name"]]
    component["inputDefinitions"].setdefault("parameters", {})[FACTS] = {"parameterType": "STRING"}
    tasks[stage]["inputs"].setdefault("parameters", {})[FACTS] = {"runtimeValue": {"constant": text}}


def check(job: Mapping[str, Any], *, not_run: Iterable[str]) -> None:
    """Check a job, because the compiler accepts jobs that a platform rejects, some of them only when they run.

    Args:
        job: A PipelineJob in its JSON form.
        not_run: Keys of executors that the platform does not run.

    Raises:
        RunError: one line per finding.
    """
    findings = list(_format_findings(job))
    if not findings:
        findings = [*_executor_findings(job["pipelineSpec"], tuple(not_run)), *_task_findings(job)]
    if findings:
        lines = "".join(f"\n  {finding}" for finding in findings)
        raise RunError(f"the compiled job is not valid; this is an error of the pipeline, not of your config:{lines}")


def _tasks(job: Mapping[str, Any]) -> dict[str, Any]:
    tasks: dict[str, Any] = job["pipelineSpec"]["root"]["dag"]["tasks"]
    return tasks


def _format_findings(job: Mapping[str, Any]) -> Iterator[str]:
    # Both inner messages are plain structs in the outer one, where any key would be valid.
    spec = job["pipelineSpec"]
    messages = {
        "PipelineJob": (job, pipeline_spec_pb2.PipelineJob()),
        "PipelineSpec": (spec, pipeline_spec_pb2.PipelineSpec()),
        "PipelineDeploymentConfig": (spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig()),
    }
    for name, (values, message) in messages.items():
        try:
            json_format.ParseDict(values, message)
        except json_format.ParseError as error:
            yield f"{name}: {error}"
    if spec["schemaVersion"] != SCHEMA_VERSION:
        yield f"schemaVersion is {spec['schemaVersion']}, not {SCHEMA_VERSION}"


def _executor_findings(spec: Mapping[str, Any], not_run: tuple[str, ...]) -> Iterator[str]:
    executors = spec["deploymentSpec"]["executors"]
    for name, component in spec["components"].items():
        if component["executorLabel"] not in executors:
            yield f"component {name}: there is no executor {component['executorLabel']}"
    for label, executor in executors.items():
        for key in not_run:
            if key in executor or key in executor.get("container", {}):
                yield f"executor {label}: the platform does not run its {key}"


def _task_findings(job: Mapping[str, Any]) -> Iterator[str]:
    tasks, components = _tasks(job), job["pipelineSpec"]["components"]
    for task_id, task in tasks.items():
        if not TASK_ID.fullmatch(task_id):
            yield f"task {task_id}: an id consists of a-z, 0-9 and inner hyphens"
        if task["componentRef"]["name"] not in components:
            yield f"task {task_id}: there is no component {task['componentRef']['name']}"
        for upstream in task.get("dependentTasks", ()):
            if upstream not in tasks:
                yield f"task {task_id}: it waits for {upstream}, which is not a task"
        for key, source in _sources(task):
            producer = components.get(tasks.get(source["producerTask"], {}).get("componentRef", {}).get("name"), {})
            output = source.get("outputArtifactKey") or source.get("outputParameterKey")
            output_kind = "artifacts" if "outputArtifactKey" in source else "parameters"
            if output not in producer.get("outputDefinitions", {}).get(output_kind, {}):
                yield f"task {task_id}: input {key} comes from {source['producerTask']}.{output}, which does not exist"


def _sources(task: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the inputs that come from other tasks, by key."""
    inputs = task.get("inputs", {})
    for key, value in {**inputs.get("artifacts", {}), **inputs.get("parameters", {})}.items():
        for source in ("taskOutputArtifact", "taskOutputParameter"):
            if source in value:
                yield key, value[source]
