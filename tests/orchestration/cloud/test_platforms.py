"""The emulated platforms, compared with inputs that were recorded from Kubeflow's real driver and launcher 2.17.

Where the public source of Kubeflow Pipelines does what is emulated, below backend/src/v2 at commit 7b70c7b:

| behaviour | file and line |
| --- | --- |
| output `executor-logs` of type system.Artifact | driver/driver.go:753 |
| an output's name is its key; its URI is below a random folder of the task | driver/driver.go:767, 775, 778 |
| the output file is in the launcher's folder | driver/driver.go:794 |
| input artifacts have an empty instanceSchema | metadata/client.go:256, 1144 |
| `display_name` and `store_session_info` in the metadata | metadata/client.go:1234, 1243 |
| inputs are downloaded before the step | component/launcher_v2.go:927 |
| folders above outputs are made before the step | component/launcher_v2.go:1300 |
| the step's URI and metadata win over the announced ones | component/launcher_v2.go:806, 1188 |
| outputs are uploaded after the step; a missing one is a warning | component/launcher_v2.go:824, 827 |
| folder of a scheme | component/launcher_v2.go:1239 |
| cache key: input names, parameters, output types without URI, image and command | cacheutils/cache.go:173 to 222 |
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from errors import GateError, ResourceError, RunError
from orchestration.cloud import places
from orchestration.cloud.emulation import step_process
from orchestration.cloud.emulation.platforms import LOGS, PLATFORMS, Task
from orchestration.cloud.emulation.step_cache import StepCache

from .executor_inputs import LOGS_TYPE, MODEL_TYPE, REAL, SCHEMA_TYPE

RECORDED = sorted(REAL.glob("*.json"))
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDED = ("display_name", "store_session_info")


def task(root: str = "minio://store/root", **changes: Any) -> Task:
    component = {"outputDefinitions": {"artifacts": {"model": {"artifactType": MODEL_TYPE}}}}
    values: dict[str, Any] = {
        "name": "trainer",
        "component": component,
        "parameters": {"epochs": "5"},
        "inputs": {},
        "root": root,
        "pipeline": "houses",
        "run_id": "run-1",
    }
    return Task(**{**values, **changes})


def without_ids(value: Any) -> Any:
    return json.loads(UUID.sub("UUID", json.dumps(value)))


@pytest.mark.skipif(not RECORDED, reason="needs ../shared/cases/kubeflow: inputs recorded from the real driver")
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_kubeflow_s_input_equals_the_recorded_one_but_for_ids(path: Path) -> None:
    case = json.loads(path.read_text())
    recorded_input, component = case["executor_input"], case["component_spec"]
    outputs = component["outputDefinitions"]["artifacts"]
    assert outputs.pop(LOGS) == {"artifactType": LOGS_TYPE}
    kubeflow = PLATFORMS["kubeflow"]
    inputs = {}
    for key, group in recorded_input["inputs"].get("artifacts", {}).items():
        [artifact] = group["artifacts"]
        metadata = {name: value for name, value in artifact["metadata"].items() if name not in ADDED}
        runtime_artifact = {"uri": artifact["uri"], "metadata": metadata, "type": {"instanceSchema": "title: tfx.Any"}}
        inputs[key] = kubeflow.register(artifact["metadata"]["display_name"], runtime_artifact, int(artifact["name"]))
    [run_id] = {UUID.search(text)[0] for text in [recorded_input["outputs"]["outputFile"]]}  # type: ignore[index]
    emulated = kubeflow.executor_input(
        task(
            "minio://mlpipeline/v2/artifacts",
            name=path.stem,
            component=component,
            parameters=recorded_input["inputs"].get("parameterValues", {}),
            inputs=inputs,
            pipeline="houses-sample",
            run_id=run_id,
        )
    )
    assert without_ids(emulated) == without_ids(recorded_input)


def test_kubeflow_s_launcher_copies_inputs_and_outputs(tmp_path: Path) -> None:
    kubeflow, buckets, pod = PLATFORMS["kubeflow"], str(tmp_path / "buckets"), str(tmp_path / "pod")
    schema = {"uri": "minio://store/root/schema", "metadata": {"summary": "x"}, "type": SCHEMA_TYPE}
    (tmp_path / "buckets/minio/store/root/schema").mkdir(parents=True)
    (tmp_path / "buckets/minio/store/root/schema/schema.pbtxt").write_text("text")
    platform_input = kubeflow.executor_input(task(inputs={"schema": kubeflow.register("schema", schema, 7)}))
    [logs] = platform_input["outputs"]["artifacts"][LOGS]["artifacts"]
    assert logs["type"] == LOGS_TYPE
    [untyped] = platform_input["inputs"]["artifacts"]["schema"]["artifacts"]
    assert (untyped["name"], untyped["type"]) == ("7", {"instanceSchema": ""})
    assert kubeflow.prepare(platform_input, buckets, pod) == {places.POD: pod, places.BUCKETS: buckets}
    assert (tmp_path / "pod/minio/store/root/schema/schema.pbtxt").read_text() == "text"

    uri = platform_input["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    folder = tmp_path / "pod" / uri.replace("://", "/")
    assert folder.parent.is_dir()
    folder.mkdir()
    (folder / "weights").write_text("w")
    described = {"artifacts": {"model": {"artifacts": [{"metadata": {"summary": "trained"}, "uri": uri}]}}}
    Path(f"{pod}{platform_input['outputs']['outputFile']}").write_text(json.dumps(described))
    outputs = kubeflow.collect(platform_input, buckets, pod)
    assert list(outputs) == ["model"]
    assert outputs["model"]["metadata"] == {"summary": "trained"}
    assert Path(places.in_buckets(uri, buckets), "weights").read_text() == "w"


def test_an_output_that_a_step_does_not_write_is_no_error(tmp_path: Path) -> None:
    kubeflow, pod = PLATFORMS["kubeflow"], str(tmp_path / "pod")
    platform_input = kubeflow.executor_input(task())
    kubeflow.prepare(platform_input, str(tmp_path / "buckets"), pod)
    assert list(kubeflow.collect(platform_input, str(tmp_path / "buckets"), pod)) == ["model"]
    assert not (tmp_path / "buckets").exists()


def test_vertex_passes_types_and_uris_of_the_bucket() -> None:
    platform_input = PLATFORMS["vertex"].executor_input(
        task("gs://bucket/root", inputs={"schema": {"name": "s", "type": SCHEMA_TYPE}})
    )
    assert platform_input["inputs"]["artifacts"]["schema"]["artifacts"][0]["type"] == SCHEMA_TYPE
    assert list(platform_input["outputs"]["artifacts"]) == ["model"]
    [model] = platform_input["outputs"]["artifacts"]["model"]["artifacts"]
    assert re.fullmatch(r"gs://bucket/root/\d+/run-1/trainer_-\d+/model", model["uri"])
    assert platform_input["outputs"]["outputFile"] == model["uri"].replace("/model", "/executor_output.json")


@pytest.mark.parametrize(
    ("changes", "is_equal"),
    [
        ({}, True),
        ({"run_id": "run-2", "root": "gs://elsewhere"}, True),
        ({"parameters": {"epochs": "6"}}, False),
        ({"inputs": {"schema": {"name": "8", "uri": "same"}}}, False),
        ({"component": {"outputDefinitions": {}}}, False),
    ],
)
def test_the_cache_key_is_that_of_the_platforms(changes: dict[str, Any], is_equal: bool, tmp_path: Path) -> None:
    container = {"image": "i:1", "command": ["python"], "args": ["-m", "x"]}
    inputs = {"schema": {"name": "7", "uri": "same"}}
    cache, key = StepCache(str(tmp_path / "cache.json")), StepCache.key(task(inputs=inputs), container)
    assert cache.next_number() == 1
    cache.write(key, {"model": {"name": "1"}})
    second_cache = StepCache(str(tmp_path / "cache.json"))
    changed_key = StepCache.key(task(**{"inputs": inputs, **changes}), container)
    assert second_cache.read(changed_key) == ({"model": {"name": "1"}} if is_equal else None)
    assert second_cache.read(StepCache.key(task(inputs=inputs), {**container, "image": "i:2"})) is None
    assert second_cache.next_number() == 2


SHELL = ("/bin/sh", "-c")


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("echo 'error: 3 nulls' >&2; echo '       in row 5' >&2; exit 3", GateError, "3 nulls\nin row 5. Log: "),
        ("echo 'error: disk full.' >&2; echo later; exit 5", ResourceError, "disk full. Log: "),
        ("echo start; echo 'Boom: x' >&2; exit 1", RunError, "exit code 1: Boom: x. Log: "),
        ("kill -9 $$", RunError, "exit code -9: no output. Log: "),
    ],
)
def test_a_failed_step_is_reported_with_its_error(
    script: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as raised:
        step_process.run([*SHELL, script], {}, log=str(tmp_path / "log"), mode="subprocess")
    assert str(raised.value).startswith(message)


def test_a_step_sees_nothing_of_this_machine_s_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_SECRET", "canary")
    step_process.run([*SHELL, "env"], {places.POD: "/pod"}, log=str(tmp_path / "log"), mode="subprocess")
    text = (tmp_path / "log").read_text()
    assert "canary" not in text
    assert "PIPELINE_POD=/pod\n" in text


def test_an_argument_over_linux_s_limit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"an argument has 131,072 bytes, over Linux's limit of 131,072"):
        step_process.run([*SHELL, "true", "x" * (128 << 10)], {}, log=str(tmp_path / "log"), mode="fork")
    step_process.run([*SHELL, "true", "x" * ((128 << 10) - 1)], {}, log=str(tmp_path / "log"), mode="subprocess")
