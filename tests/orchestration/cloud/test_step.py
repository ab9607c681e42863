"""The entry point of the steps, with what Kubeflow's driver and launcher pass."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

import buckets
from errors import UserError
from orchestration.cloud import compiler, places, step
from orchestration.cloud.parameters import long_parameters
from pipeline.variants import Name
from tests import processes

from .executor_inputs import (
    LOGS_TYPE,
    MODEL_TYPE,
    REAL,
    RUN,
    SCHEMA_TYPE,
    arguments,
    artifact,
    executor_input,
    inputs_spec,
)

REPOSITORY = Path(__file__).parents[3]
UNTYPED = {"instanceSchema": ""}
RECORDED = sorted(REAL.glob("*.json"))


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    """The folder that takes the place of / in a pod, with the launcher's three folders."""
    for name in places.LAUNCHER.values():
        (tmp_path / "pod" / name).mkdir(parents=True)
    return tmp_path / "pod"


def corrected(task_input: Any, spec: Any, **environment: str) -> Any:
    return step.corrected(task_input, spec, places.of(task_input["outputs"]["outputFile"], environment))


def parsed_by_tfx(executor_input: Any) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as utils

    message = json_format.ParseDict(executor_input, pipeline_spec_pb2.ExecutorInput())
    return utils.parse_raw_artifact_dict(message.inputs.artifacts), utils.parse_raw_artifact_dict(
        message.outputs.artifacts
    )


def test_an_output_that_the_launcher_manages_is_dropped(pod: Path) -> None:
    platform_input = executor_input(outputs={"schema": SCHEMA_TYPE})
    assert list(platform_input["outputs"]["artifacts"]) == ["schema", "executor-logs"]
    assert list(corrected(platform_input, {}, PIPELINE_POD=str(pod))["outputs"]["artifacts"]) == ["schema"]


def test_an_input_without_a_type_takes_that_of_its_component() -> None:
    inputs = {
        "schema": artifact("minio", "schema", "schema", UNTYPED),
        "model": artifact("minio", "trainer", "model", MODEL_TYPE),
    }
    platform_input = executor_input("trainer", inputs=inputs, outputs={})
    result = corrected(platform_input, inputs_spec(schema=SCHEMA_TYPE, model=SCHEMA_TYPE))["inputs"]["artifacts"]
    assert result["schema"]["artifacts"][0]["type"] == SCHEMA_TYPE
    assert result["model"]["artifacts"][0]["type"] == MODEL_TYPE, "the platform's own type is better"


@pytest.mark.parametrize("scheme", list(places.LAUNCHER))
def test_artifacts_are_in_the_launcher_s_folders_on_kubeflow(scheme: str, pod: Path) -> None:
    inputs = {"schema": artifact(scheme, "schema", "schema", UNTYPED)}
    platform_input = executor_input("trainer", scheme=scheme, inputs=inputs, outputs={"model": MODEL_TYPE})
    result = corrected(platform_input, inputs_spec(schema=SCHEMA_TYPE), PIPELINE_POD=str(pod))
    folder = pod / places.LAUNCHER[scheme] / RUN
    assert result["inputs"]["artifacts"]["schema"]["artifacts"][0]["uri"] == f"{folder}/schema/9f/schema"
    assert result["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == f"{folder}/trainer/9f/model"
    assert result["outputs"]["outputFile"] == f"{folder}/trainer/9f/output_metadata.json"


def test_artifacts_stay_in_the_bucket_where_the_launcher_has_no_folders() -> None:
    # Vertex AI names its output file in the bucket, even where it mounts buckets below /gcs.
    platform_input = executor_input(scheme="gs", outputs={"schema": SCHEMA_TYPE})
    platform_input["outputs"]["outputFile"] = f"gs://{RUN}/executor_output.json"
    assert (
        corrected(platform_input, {})["outputs"]["artifacts"]["schema"]
        == platform_input["outputs"]["artifacts"]["schema"]
    )


def test_a_dry_run_replaces_buckets_in_parameters_and_names_them_in_results(tmp_path: Path) -> None:
    replacements = places.of("gs://bucket/output.json", {places.BUCKETS: str(tmp_path)})
    assert replacements.parameter("gs://bucket/serving") == f"{tmp_path}/gs/bucket/serving"
    assert (
        replacements.parameter('{"paths": ["s3://b/x", "see gs://b"]}')
        == f'{{"paths": ["{tmp_path}/s3/b/x", "see gs://b"]}}'
    )
    assert replacements.parameter(5) == 5
    assert replacements.remote({"to": f"{tmp_path}/gs/bucket/serving/1", "n": 1}) == {
        "to": "gs://bucket/serving/1",
        "n": 1,
    }
    assert places.in_buckets("gs://bucket/x", str(tmp_path)) == replacements.local("gs://bucket/x")


def test_a_step_runs_with_the_input_of_the_launcher(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.POD, str(pod))
    parameters = {"path": "schemas/houses.pbtxt", "content": "", "code": ""}
    platform_input = executor_input(parameters=parameters, outputs={"schema": SCHEMA_TYPE})
    spec = {"parameters": {key: {"parameterType": "STRING"} for key in parameters}}
    assert step.run(step.parse(arguments("components.schema.Executor", platform_input, spec))) == 0

    folder = pod / "minio" / RUN / "schema" / "9f"
    assert (folder / "schema" / "schema.pbtxt").read_text().startswith("#")
    artifacts = json.loads((folder / "output_metadata.json").read_text())["artifacts"]
    assert list(artifacts) == ["schema"]
    [result] = artifacts["schema"]["artifacts"]
    assert result["uri"] == f"minio://{RUN}/schema/9f/schema", "the launcher uploads to the URI that it reads here"
    assert result["metadata"]["summary"] == "houses.pbtxt"


def test_an_image_with_another_schema_is_refused(
    pod: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(places.POD, str(pod))
    parameters = {"path": "schemas/houses.pbtxt", "content": "another", "code": ""}
    platform_input = executor_input(parameters=parameters, outputs={"schema": SCHEMA_TYPE})
    spec = {"parameters": {key: {"parameterType": "STRING"} for key in parameters}}
    assert step.run(step.parse(arguments("components.schema.Executor", platform_input, spec))) == 5
    error = capsys.readouterr().err
    assert "error: schemas/houses.pbtxt changed" in error
    assert "build the image again, or compile again" in error
    assert "Traceback" not in error


def test_an_image_with_other_code_is_refused(
    pod: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(places.POD, str(pod))
    code = {"modules": ["components.schema"], "sources": "another", "files": {}, "libraries": {}}
    parameters = {"path": "schemas/houses.pbtxt", "content": "", "code": json.dumps(code)}
    platform_input = executor_input(parameters=parameters, outputs={"schema": SCHEMA_TYPE})
    spec = {"parameters": {key: {"parameterType": "STRING"} for key in parameters}}
    assert step.run(step.parse(arguments("components.schema.Executor", platform_input, spec))) == 2
    assert "the code of components.schema differs from the version" in capsys.readouterr().err


class Broken:
    """An executor that fails with an unexpected error."""

    def __init__(self, context: Any) -> None:
        del context

    def Do(self, *_: Any) -> None:  # noqa: N802  TFX's name
        raise ZeroDivisionError("by nothing")


@pytest.mark.parametrize("bucket", ["bucket", "bucket-of-others"])
def test_a_step_records_its_failure_with_a_report_and_without_harm(
    bucket: str, gcs: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gcs.denied = "bucket-of-others"
    for name in places.LAUNCHER.values():
        (tmp_path / name).mkdir()
    monkeypatch.setenv(places.POD, str(tmp_path))
    home, run = f"gs://{bucket}/root/houses", RUN.rpartition("/")[2]
    words = arguments(f"{__name__}.{Broken.__name__}", executor_input(outputs={"schema": SCHEMA_TYPE}), {})
    with pytest.raises(ZeroDivisionError):
        step.run(step.parse([words[0], f"--home={home}", *words[1:]]))
    if bucket != "bucket":
        assert capsys.readouterr().err.count("not recorded for `inspect` and reports: ") == 2
        return
    assert buckets.files(f"{home}/runs/{run}") == ["model_card.md", "report.html", "run.json", "steps/schema.json"]
    recorded = json.loads(buckets.read(f"{home}/runs/{run}/run.json"))
    assert (recorded["state"], recorded["reason"]) == ("FAILED", "ZeroDivisionError: by nothing")
    assert b"by nothing" in buckets.read(f"{home}/runs/{run}/report.html")
    ended = threading.Event()
    monkeypatch.setattr(step.os, "_exit", lambda code: ended.set())
    step.limit_time("0")
    assert ended.wait(processes.WAIT)
    recorded = json.loads(buckets.read(f"{home}/runs/{run}/run.json"))
    assert recorded["reason"].startswith("the stage took longer than 0 s")


def job(**parameters: Any) -> dict[str, Any]:
    values = {key: {"runtimeValue": {"constant": value}} for key, value in parameters.items()}
    return {"pipelineSpec": {"root": {"dag": {"tasks": {"trainer": {"inputs": {"parameters": values}}}}}}}


def constants(compiled: Any) -> dict[str, Any]:
    values = compiled["pipelineSpec"]["root"]["dag"]["tasks"]["trainer"]["inputs"]["parameters"]
    return {key: value["runtimeValue"]["constant"] for key, value in values.items()}


def test_long_parameters_travel_as_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_PROJECT", str(tmp_path))
    # Quotes are escaped in the argument: it is longer than the text.
    long, shorter = json.dumps(["c"] * 10_000), json.dumps(["d"] * 8_000)
    compiled = job(keep=5, settings=long, other=shorter, short="x")
    files = long_parameters.shorten(compiled)
    short = constants(compiled)
    assert short["keep"] == 5
    assert short["short"] == "x"
    assert short["other"] == shorter, "the longest is enough"
    assert len(json.dumps(short)) <= long_parameters.MAX_BYTES
    with pytest.raises(UserError, match=r"compiled/\w+.txt with settings of this step is not in the image: build the"):
        long_parameters.restore(short["settings"])
    long_parameters.write(files)
    assert {key: long_parameters.restore(value) for key, value in short.items()} == {
        "keep": 5,
        "settings": long,
        "other": shorter,
        "short": "x",
    }
    [path] = files
    (tmp_path / path).write_text(long.replace("c", "e"))
    with pytest.raises(UserError, match=r"differs from the settings that the job was compiled with"):
        long_parameters.restore(short["settings"])


def test_short_parameters_stay_in_the_job() -> None:
    compiled = job(settings="x" * 60_000)
    assert long_parameters.shorten(compiled) == {}
    assert constants(compiled) == {"settings": "x" * 60_000}


@pytest.mark.skipif(not RECORDED, reason="needs ../shared/cases/kubeflow: inputs recorded from the real driver")
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_tfx_reads_every_recorded_input(path: Path, pod: Path) -> None:
    case = json.loads(path.read_text())
    spec = case["component_spec"]
    result = corrected(case["executor_input"], spec.get("inputDefinitions", {}), PIPELINE_POD=str(pod))
    inputs, outputs = parsed_by_tfx(result)
    declared = spec.get("inputDefinitions", {}).get("artifacts", {})
    assert set(inputs) == set(declared)
    assert set(outputs) == {
        key for key, value in spec["outputDefinitions"]["artifacts"].items() if value["artifactType"] != LOGS_TYPE
    }
    for key, [tfx_artifact] in {**inputs, **outputs}.items():
        assert tfx_artifact.uri.startswith(f"{pod}/minio/mlpipeline/"), key
    for key, [tfx_artifact] in inputs.items():
        assert f"title: tfx.{type(tfx_artifact).__name__}\n" in declared[key]["artifactType"]["instanceSchema"]


def test_a_compiled_job_with_long_settings_names_files_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("configs", "schemas", "data"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    monkeypatch.setenv("PIPELINE_PROJECT", str(tmp_path))
    monkeypatch.setattr(long_parameters, "MAX_BYTES", 3_000)
    output = tmp_path / "houses.json"
    compiler.run(compiler.Request(target="vertex", name=Name("houses"), output=str(output)))
    tasks = json.loads(output.read_text())["pipelineSpec"]["root"]["dag"]["tasks"]
    value = tasks["trainer"]["inputs"]["parameters"]["custom_config"]["runtimeValue"]["constant"]
    assert "inline" in json.loads(long_parameters.restore(value))["settings"]
    path = value.partition("#")[0].removeprefix("file:")
    assert (tmp_path / path).is_file()
    assert f"to do: {path} holds settings that are too long" in capsys.readouterr().out
