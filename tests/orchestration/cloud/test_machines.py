"""[cloud] in compiled jobs of both platforms."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from pydantic import ValidationError

import project
from errors import UserError
from orchestration.cloud import compiler, kubeflow, machines, step, vertex
from pipeline.variants import Name
from spec.cloud import Cloud, Machine

from ..test_cloud import compiled

SETTINGS = [
    "cloud.cpu=2",
    "cloud.memory=8G",
    "cloud.retries=1",
    'cloud.labels={team="prices"}',
    'cloud.environment={AWS_ENDPOINT_URL="http://minio:9000"}',
    'cloud.stages={trainer={cpu=8, memory="32Gi", accelerator="NVIDIA_L4", accelerators=2, retries=0, timeout="4h"}}',
    'cloud.bucket_secret="mlpipeline-minio-artifact"',
]


def stages(job: Any) -> dict[str, tuple[Any, Any]]:
    spec = job.get("pipelineSpec", job)
    executors = spec["deploymentSpec"]["executors"]
    return {
        stage: (task, executors[spec["components"][task["componentRef"]["name"]]["executorLabel"]]["container"])
        for stage, task in spec["root"]["dag"]["tasks"].items()
        if "container" in executors[spec["components"][task["componentRef"]["name"]]["executorLabel"]]
    }


@pytest.fixture(scope="module", params=["vertex", "kubeflow"])
def job(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A compiled job and its platform document."""
    folder = tmp_path_factory.mktemp("job")
    if request.param == "vertex":
        return request.param, compiled("vertex", "houses", folder, overrides=SETTINGS), None
    output = folder / "houses.yaml"
    compiler.run(
        compiler.Request(
            target="kubeflow", name=Name("houses"), root="gs://b/r", image="i:1", output=str(output), overrides=SETTINGS
        )
    )
    return request.param, *yaml.safe_load_all(output.read_text())


def test_each_key_is_in_the_job(job: Any) -> None:
    target, spec, platform = job
    tasks_and_containers = stages(spec)
    task, container = tasks_and_containers["trainer"]
    kind = "NVIDIA_L4" if target == "vertex" else "nvidia.com/gpu"
    assert container["resources"] == {
        "cpuLimit": 8.0,
        "memoryLimit": 32 * 2**30 / 1e9,
        "accelerator": {"type": kind, "count": "2"},
    }
    assert "retryPolicy" not in task
    assert container["env"] == [
        {"name": "AWS_ENDPOINT_URL", "value": "http://minio:9000"},
        {"name": machines.TIMEOUT, "value": "14400"},
    ]
    for stage in ("ingestion", "pusher"):
        task, container = tasks_and_containers[stage]
        assert container["resources"] == {"cpuLimit": 2.0, "memoryLimit": 8.0}
        assert task["retryPolicy"]["maxRetryCount"] == 1
        assert [entry["name"] for entry in container["env"]] == ["AWS_ENDPOINT_URL"]
    inner = spec.get("pipelineSpec", spec)
    json_format.ParseDict(inner["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    if target == "vertex":
        assert spec["labels"]["team"] == "prices"
        assert platform is None
        return
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(executors) == {inner["components"][task["componentRef"]["name"]]["executorLabel"] for task, _ in
                              tasks_and_containers.values()}  # fmt: skip
    for settings in executors.values():
        assert settings["podMetadata"] == {"labels": {"team": "prices"}}
        [secret] = settings["secretAsEnv"]
        assert secret["secretName"] == "mlpipeline-minio-artifact"
        assert {entry["secretKey"]: entry["envVar"] for entry in secret["keyToEnv"]} == {
            "accesskey": "AWS_ACCESS_KEY_ID",
            "secretkey": "AWS_SECRET_ACCESS_KEY",
        }


ALONE: dict[str, dict[str, Any]] = {
    "cpu": {"cpu": 2},
    "memory": {"memory": "8G"},
    "accelerator": {"accelerator": "NVIDIA_L4"},
    "accelerators": {"accelerator": "NVIDIA_L4", "accelerators": 2},
    "retries": {"retries": 1},
    "timeout": {"timeout": "4h"},
    "labels": {"labels": {"team": "prices"}},
    "environment": {"environment": {"AWS_ENDPOINT_URL": "http://minio:9000"}},
    "bucket_secret": {"bucket_secret": "own"},
}
"""Key of [cloud] -> settings that need it."""


def rendered(target: str, settings: dict[str, Any]) -> str:
    """Return the compiled file of a job with one stage."""
    job: dict[str, Any] = {
        "pipelineSpec": {
            "pipelineInfo": {"name": "houses"},
            "root": {"dag": {"tasks": {"trainer": {"componentRef": {"name": "trainer"}}}}},
            "components": {"trainer": {"executorLabel": "executor"}},
            "deploymentSpec": {"executors": {"executor": {"container": {"image": "i:1"}}}},
        },
        "runtimeConfig": {"gcsOutputDirectory": "gs://b/r"},
    }
    cloud = Cloud.model_validate(settings)
    machines.apply(job, cloud, kubeflow=target == "kubeflow")
    return {"kubeflow": kubeflow, "vertex": vertex}[target].render(job, machines.platform(job, cloud))


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
@pytest.mark.parametrize("key", sorted({*Cloud.model_fields} - {"stages"}))
def test_each_key_alone_changes_the_compiled_file(key: str, target: str) -> None:
    settings = ALONE[key]
    text = rendered(target, settings)
    others = {name: value for name, value in settings.items() if name != key}
    if (key, target) == ("bucket_secret", "vertex"):
        assert text == rendered(target, others), "its stages use their service account; the command says so"
    else:
        assert text != rendered(target, others)
    if key in Machine.model_fields:
        of_stage = rendered(target, {"stages": {"trainer": settings}})
        assert of_stage == text, "the same key of the stage"


def test_the_file_for_kubeflow_is_read_by_its_client(job: Any, tmp_path: Path) -> None:
    from kfp.components import load_component_from_text

    target, spec, platform = job
    if target == "kubeflow":
        text = yaml.safe_dump_all([spec, platform])
        assert load_component_from_text(text).pipeline_spec.pipeline_info.name == "houses"


def test_a_stage_that_the_pipeline_does_not_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"configs/houses.toml: cloud.stages.trainr: this pipeline has no such stage. Did you mean 'trainer'",
    ):
        compiled("vertex", "houses", tmp_path, overrides=["cloud.stages={trainr={cpu=2}}"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": "16"}, 'write memory as "16G" or "16Gi"'),
        ({"cpu": 0}, "greater than 0"),
        ({"labels": {"Team": "x"}}, "a label and its value consist of at most 63 of a-z"),
        ({"labels": {"team": "Ü"}}, "a label and its value consist of"),
        ({"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}, "leave secrets out of it"),
        ({"environment": {"API_TOKEN": "x"}}, "leave secrets out of it"),
        ({"environment": {"A B": "x"}}, "is not the name of an environment variable"),
        ({"accelerators": 2}, "accelerators has no effect without accelerator"),
        ({"stages": {"trainer": {"accelerators": 2}}}, "stages.trainer.accelerators has no effect"),
        ({"bucket_secret": "My Secret"}, "should match pattern"),
        ({"stages": {"trainer": {"labels": {}}}}, "Extra inputs are not permitted"),
    ],
)
def test_invalid_settings_are_rejected(settings: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Cloud.model_validate(settings)


def test_own_keys_of_a_stage_take_precedence() -> None:
    cloud = Cloud.model_validate({"cpu": 2, "retries": 3, "stages": {"trainer": {"retries": 0, "memory": "1G"}}})

    assert (cloud.of("trainer").cpu, cloud.of("trainer").retries, cloud.of("trainer").gigabytes) == (2, 0, 1.0)
    assert (cloud.of("pusher").cpu, cloud.of("pusher").retries, cloud.of("pusher").gigabytes) == (2, 3, None)


def test_settings_that_were_written_and_read_are_the_same() -> None:
    """As between the supervisor and its worker, which receives every key."""
    for settings in ({}, {"cpu": 2, "accelerator": "a", "stages": {"trainer": {"retries": 0}}}):
        cloud = Cloud.model_validate(settings)
        back = Cloud.model_validate(cloud.model_dump(mode="json"))
        assert back == cloud
        assert [back.of(stage) for stage in ("trainer", "pusher")] == [cloud.of(s) for s in ("trainer", "pusher")]


def test_a_stage_ends_itself_at_its_time_limit(tmp_path: Path) -> None:
    """In another process, which the limit ends."""
    import subprocess
    import sys

    code = f"from {step.__name__} import limit_time; import time; limit_time('0.2'); time.sleep(60)"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=project.REPOSITORY, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 4
    assert "the stage took longer than 0.2 s: raise timeout in [cloud]" in ended.stderr


def test_spot_nodes_are_selected_and_tolerated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "houses.yaml"
    request = compiler.Request(
        target="kubeflow", name=Name("houses"), root="gs://b/r", image="i:1", output=str(output), spot="pool=spot"
    )
    assert compiler.run(request) == 0
    assert "note: spot nodes go away at any time: set cloud.retries" in capsys.readouterr().out
    _, platform = yaml.safe_load_all(output.read_text())
    for settings in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        assert settings["nodeSelector"] == {"labels": {"pool": "spot"}}
        [toleration] = settings["tolerations"]
        assert toleration == {"key": "pool", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("target", "spot", "message"),
    [
        ("vertex", "pool=spot", "--spot has no effect on Vertex AI"),
        ("kubeflow", "spot", "--spot spot: write the label of the nodes as LABEL=VALUE"),
    ],
)
def test_spot_nodes_that_cannot_be_had_are_an_error(target: str, spot: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        compiled(target, "houses", tmp_path, spot=spot)
