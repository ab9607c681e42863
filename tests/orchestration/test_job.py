"""Validation of compiled jobs: faults that a platform would report late or never."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from errors import RunError
from orchestration.cloud import compiler, kubeflow, vertex
from pipeline.variants import Name

Job = dict[str, Any]


@pytest.fixture(scope="module")
def sound_job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    output = tmp_path_factory.mktemp("job") / "houses.json"
    compiler.run(compiler.Request(target="vertex", name=Name("houses"), output=str(output)))
    compiled: Job = json.loads(output.read_text())
    check(compiled)
    return compiled


def check(sound_job: Job, not_run: tuple[str, ...] = kubeflow.NOT_RUN) -> None:
    # TFX takes 20 s to import: not while tests are collected.
    from orchestration.cloud import job

    job.check(sound_job, not_run=not_run)


def tasks(spec: Job) -> Job:
    return spec["root"]["dag"]["tasks"]


def _change(path: str, value: Any) -> Callable[[Job], None]:
    def change(spec: Job) -> None:
        *above, last_key = path.split("/")
        place: Any = spec
        for key in above:
            place = place[key]
        place[last_key] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change("unknown", 1), r"PipelineSpec: "),
        (_change("deploymentSpec/executors/schema_executor/container/unknown", 1), r"PipelineDeploymentConfig: "),
        (_change("schemaVersion", "2.0.0"), r"schemaVersion is 2.0.0, not 2.1.0"),
        (_change("components/schema/executorLabel", "other"), r"component schema: there is no executor other"),
        (_change("root/dag/tasks/schema/componentRef/name", "other"), r"task schema: there is no component other"),
        (_change("root/dag/tasks/schema/dependentTasks", ["other"]), r"task schema: it waits for other"),
        (
            _change("root/dag/tasks/statistics/inputs/artifacts/examples/taskOutputArtifact/producerTask", "other"),
            r"task statistics: input examples comes from other.examples, which does not exist",
        ),
        (
            _change(
                "root/dag/tasks/statistics/inputs/artifacts/examples/taskOutputArtifact/outputArtifactKey", "other"
            ),
            r"task statistics: input examples comes from ingestion.other, which does not exist",
        ),
        (
            _change(
                "root/dag/tasks/statistics/inputs/parameters/exclude_splits",
                {"taskOutputParameter": {"producerTask": "schema_task", "outputParameterKey": "schema"}},
            ),
            r"task statistics: input exclude_splits comes from schema_task.schema, which does not exist",
        ),
        (
            lambda spec: tasks(spec).update(my_schema=tasks(spec)["schema"]),
            r"task my_schema: an id consists of a-z, 0-9 and inner hyphens",
        ),
        (
            _change("deploymentSpec/executors/schema_executor", {"resolver": {}}),
            r"executor schema_executor: the platform does not run its resolver",
        ),
        (
            _change("deploymentSpec/executors/schema_executor/container/lifecycle", {"preCacheCheck": {}}),
            r"executor schema_executor: the platform does not run its lifecycle",
        ),
    ],
)
def test_an_invalid_job_is_rejected(sound_job: Job, change: Callable[[Job], None], message: str) -> None:
    broken = copy.deepcopy(sound_job)
    change(broken["pipelineSpec"])
    with pytest.raises(RunError, match=message):
        check(broken)


def test_an_invalid_wrapper_of_a_job_is_rejected(sound_job: Job) -> None:
    with pytest.raises(RunError, match=r"PipelineJob: "):
        check({**sound_job, "unknown": 1})


def test_all_findings_about_a_job_are_reported_together(sound_job: Job) -> None:
    broken = copy.deepcopy(sound_job)
    for task in tasks(broken["pipelineSpec"]).values():
        task["dependentTasks"] = ["other"]
    with pytest.raises(RunError) as caught:
        check(broken)
    assert str(caught.value).count("waits for other") == len(tasks(broken["pipelineSpec"]))


def test_a_job_may_be_valid_on_one_platform_only(sound_job: Job) -> None:
    resolving = copy.deepcopy(sound_job)
    resolving["pipelineSpec"]["deploymentSpec"]["executors"]["schema_executor"] = {"resolver": {}}
    check(resolving, vertex.NOT_RUN)
