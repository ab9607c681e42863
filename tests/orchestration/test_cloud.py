"""Compilation of each config for each platform; the jobs are then loaded and executed as by the platform."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format

import project
from errors import UserError
from orchestration.cloud import compiler, kubeflow, vertex
from pipeline import load
from pipeline.variants import Name

from .. import trees
from .cloud.executor_inputs import RUN, executor_input

REPOSITORY = Path(__file__).parents[2]
# Variants, and configs whose data is not in the clone: tests/orchestration/test_shipped_configs.py.
NAMES = [name for name in load.names(str(REPOSITORY)) if name != "signs" and not load.variants(str(REPOSITORY), name)]
TARGETS = {"kubeflow": kubeflow, "vertex": vertex}
ROOT = "gs://bucket/folder"
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
Job = dict[str, Any]


def compiled(target: str, name: str, folder: Path, **flags: Any) -> Job:
    """What `runner.py --TARGET --pipeline NAME` writes; a pipeline spec for Kubeflow, a whole job for Vertex."""
    output = folder / f"{name}{TARGETS[target].SUFFIXES[0]}"
    request = {"root": ROOT, "image": "registry/image:1", "output": str(output), **flags}
    assert compiler.run(compiler.Request(target=target, name=Name(name), **request)) == 0
    return yaml.safe_load(output.read_text()) if target == "kubeflow" else json.loads(output.read_text())


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Job]:
    folder = tmp_path_factory.mktemp("jobs")
    return {(target, name): compiled(target, name, folder) for target in TARGETS for name in NAMES}


@pytest.fixture(params=[(target, name) for target in TARGETS for name in NAMES], ids="-".join)
def spec(request: pytest.FixtureRequest, jobs: dict[tuple[str, str], Job]) -> Job:
    job = jobs[request.param]
    return job.get("pipelineSpec", job)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a fresh clone holds, and so an image made of it, somewhere else."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs a git clone, to know which files an image gets")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    folder = tmp_path_factory.mktemp("image")
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    return folder


def in_container(command: list[str], tree: Path, cwd: Path | None = None, **environment: str) -> None:
    """Run a command as a container of the image would: with no other way to our packages, and as a user without a home.

    Root runs it as a user who can read everything but writes only what anyone may write, as OpenShift does.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment = {**inherited, "PYTHONPATH": str(tree), "HOME": "/nonexistent", **environment}
    program = sys.executable if command[0] == "python" else command[0]
    words = [*(trees.OTHER_USER if os.geteuid() == 0 else []), program, *command[1:]]
    process = subprocess.run(words, cwd=cwd or tree, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-3000:]


def without_facts(job: Job, target: str) -> Job:
    """Return a copy without the facts that a run records, which are the same on both platforms but for its name."""
    job = copy.deepcopy(job)
    parameters = tasks(job.get("pipelineSpec", job))["validation"]["inputs"]["parameters"]
    facts = json.loads(parameters.pop("facts")["runtimeValue"]["constant"])
    assert facts.pop("target") == target
    return {**job, "facts": facts}


def tasks(spec: Job) -> Job:
    return spec["root"]["dag"]["tasks"]


def constants(task: Job) -> Job:
    """Return the parameters of a task without those that each run may set."""
    parameters = task["inputs"]["parameters"].items()
    return {key: value["runtimeValue"]["constant"] for key, value in parameters if "runtimeValue" in value}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def test_a_job_parses_as_the_platform_s_protocol_buffer(spec: Job) -> None:
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    json_format.ParseDict(spec, pb.PipelineSpec())
    json_format.ParseDict(spec["deploymentSpec"], pb.PipelineDeploymentConfig())


@pytest.mark.parametrize("name", NAMES)
def test_vertex_receives_a_complete_job(jobs: dict[tuple[str, str], Job], name: str) -> None:
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    job = json_format.ParseDict(jobs["vertex", name], pb.PipelineJob())
    assert job.display_name == name.replace("_", "-")
    assert job.runtime_config.gcs_output_directory == f"{ROOT}/{name}/artifacts"


@pytest.mark.parametrize("name", NAMES)
def test_kfp_loads_the_compiled_file(jobs: dict[tuple[str, str], Job], tmp_path: Path, name: str) -> None:
    from kfp import components

    text = kubeflow.render(jobs["vertex", name])
    (tmp_path / "job.yaml").write_text(text)
    assert components.load_component_from_file(str(tmp_path / "job.yaml")).name == name.replace("_", "-")
    assert without_facts(yaml.safe_load(text), "vertex") == without_facts(jobs["kubeflow", name], "kubeflow")


@pytest.mark.parametrize("name", NAMES)
def test_both_platforms_receive_the_same_pipeline(jobs: dict[tuple[str, str], Job], name: str) -> None:
    root = {"defaultPipelineRoot": f"{ROOT}/{name}/artifacts"}
    vertex = without_facts({**jobs["vertex", name]["pipelineSpec"], **root}, "vertex")
    assert without_facts(jobs["kubeflow", name], "kubeflow") == vertex


def test_the_schema_version_of_a_job_is_2_1(spec: Job) -> None:
    assert spec["schemaVersion"] == "2.1.0"


def test_validation_comes_before_transformation(spec: Job) -> None:
    assert "validation" in tasks(spec)["transformation"]["dependentTasks"]


def test_only_what_depends_on_earlier_runs_is_never_cached(spec: Job) -> None:
    uncached = {name for name, task in tasks(spec).items() if not task["cachingOptions"].get("enableCache")}
    assert uncached == {"baseline", "validation"}


def test_the_look_up_of_the_model_that_a_warm_start_takes_is_never_cached(tmp_path: Path) -> None:
    spec = compiled("kubeflow", "houses", tmp_path, overrides=["training.warm_start=true"])
    uncached = {name for name, task in tasks(spec).items() if not task["cachingOptions"].get("enableCache")}
    assert uncached == {"warm-start", "baseline", "validation"}


def test_a_job_names_the_folder_of_accepted_data_and_that_of_versions(spec: Job) -> None:
    parameters = tasks(spec)["validation"]["inputs"]["parameters"]
    folders = {key: parameters[key]["runtimeValue"]["constant"] for key in ("accepted", "serving")}
    name = tasks(spec)["pusher"]["inputs"]["parameters"]["serving"]["runtimeValue"]["constant"]
    assert folders == {"accepted": name.replace("/serving", "/accepted"), "serving": name}


def test_a_job_contains_its_settings(spec: Job) -> None:
    for key, text in (("settings", "ingestion"), ("custom_config", "trainer"), ("custom_config", "transformation")):
        value = json.loads(tasks(spec)[text]["inputs"]["parameters"][key]["runtimeValue"]["constant"])
        assert "inline" in value.get("settings", value)


def test_a_job_contains_no_path_of_this_machine(spec: Job) -> None:
    assert not [text for text in texts(spec) if str(REPOSITORY) in text or text.startswith("/")]


def test_an_edit_of_data_or_schema_changes_the_cache_key_of_a_job(spec: Job) -> None:
    for name in ("ingestion", "schema"):
        assert tasks(spec)[name]["inputs"]["parameters"]["content"]["runtimeValue"]["constant"]


def test_two_compilations_are_equal(jobs: dict[tuple[str, str], Job], tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    for target in TARGETS:
        compiled(target, "houses", tmp_path)
        compiled(target, "houses", tmp_path / "again")
        name = f"houses{TARGETS[target].SUFFIXES[0]}"
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_every_dotted_path_imports_from_a_fresh_clone(jobs: dict[tuple[str, str], Job], tree: Path) -> None:
    paths = {text for job in jobs.values() for text in texts(job) if DOTTED.fullmatch(text)}
    assert paths >= {
        "components.ingestion.executor.Executor",
        "components.baseline.component.Executor",
        "models.transform_graph.preprocessing.preprocessing_fn",
        "models.training.run_fn.run_fn",
        "orchestration.cloud.step",
    }
    # Named by the settings, and imported by run_fn.
    networks = {f"models.networks.{load.load(str(REPOSITORY), name).network['name']}.Settings" for name in NAMES}
    program = """
import importlib, json, os, sys
for path in json.loads(sys.argv[1]):
    module, _, name = path.rpartition(".")
    found = importlib.import_module(module)
    if not hasattr(found, name):
        found = importlib.import_module(path)
    if not path.startswith("tfx."):
        assert found.__file__.startswith(os.getcwd() + os.sep), (path, found.__file__)
"""
    in_container(["python", "-c", program, json.dumps(sorted(paths | networks))], tree)


def test_ingestion_runs_as_in_the_job_on_kubeflow(jobs: dict[tuple[str, str], Job], tree: Path, tmp_path: Path) -> None:
    spec = jobs["kubeflow", "houses"]
    component = spec["components"]["ingestion"]
    container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    kinds = {key: value["artifactType"] for key, value in component["outputDefinitions"]["artifacts"].items()}
    task_input = executor_input("ingestion", parameters=constants(tasks(spec)["ingestion"]), outputs=kinds)
    for folder in ("pod/minio", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "pod" / "minio").chmod(0o777)
    words = [word.replace("{{$}}", json.dumps(task_input)) for word in container["command"] + container["args"]]
    in_container(words, tree, tmp_path / "empty", PIPELINE_POD=str(tmp_path / "pod"))
    folder = tmp_path / "pod" / "minio" / RUN / "ingestion" / "9f"
    artifact = json.loads((folder / "output_metadata.json").read_text())["artifacts"]["examples"]["artifacts"][0]
    assert json.loads(artifact["metadata"]["split_names"]) == ["train", "eval", "test"]
    rows = json.loads(artifact["metadata"]["rows"])
    assert sum(rows.values()) == 21613
    for split in rows:
        (file,) = (folder / "examples" / f"Split-{split}").iterdir()
        assert file.stat().st_size > 10_000
    assert not list((tmp_path / "empty").iterdir())


def test_data_in_a_bucket_is_in_the_key_and_in_a_schedule_read_in_every_run(tmp_path: Path, gcs: Any) -> None:
    def compiled_now(**flags: Any) -> tuple[Any, Any]:
        task = tasks(compiled("kubeflow", "houses", tmp_path, data_root="gs://bucket-of-data/here/", **flags))[
            "ingestion"
        ]
        values = constants(task)
        assert "gs://bucket-of-data/here/data/houses.csv.gz" in values["settings"]
        return values["content"], task["cachingOptions"]

    gcs.put("bucket-of-data", "here/data/houses.csv.gz", b"one")
    content, caching = compiled_now()
    assert content.startswith("bucket-")
    assert caching == {"enableCache": True}
    assert compiled_now() == (content, caching)
    gcs.put("bucket-of-data", "here/data/houses.csv.gz", b"two")
    assert compiled_now()[0] != content
    assert compiled_now(pin=False) == ("", {})


def test_flags_reach_every_container(tmp_path: Path) -> None:
    spec = compiled("kubeflow", "houses", tmp_path, beam_args=["--runner=Other"], cache=False)
    for executor in spec["deploymentSpec"]["executors"].values():
        assert executor["container"]["image"] == "registry/image:1"
        assert executor["container"]["args"][-1] == "--runner=Other"
    assert not [task for task in tasks(spec).values() if task.get("cachingOptions")]


def test_names_are_made_valid_for_the_platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, suffix in (("configs", "toml"), ("schemas", "pbtxt")):
        (tmp_path / folder).mkdir()
        shutil.copy(REPOSITORY / folder / f"houses.{suffix}", tmp_path / folder / f"house_Tiers.{suffix}")
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    job = compiled("vertex", "house_Tiers", tmp_path)
    assert job["pipelineSpec"]["pipelineInfo"]["name"] == job["displayName"] == "house-tiers"
    assert job["runtimeConfig"]["gcsOutputDirectory"] == f"{ROOT}/house_Tiers/artifacts"
    (tmp_path / "configs" / "häuser.toml").write_bytes((REPOSITORY / "configs" / "houses.toml").read_bytes())
    (tmp_path / "schemas" / "häuser.pbtxt").write_bytes((REPOSITORY / "schemas" / "houses.pbtxt").read_bytes())
    with pytest.raises(UserError, match=r"configs/häuser.toml: the name of a job consists of at most 128 letters"):
        compiled("vertex", "häuser", tmp_path)


def test_without_flags_the_placeholders_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert compiler.run(compiler.Request(target="kubeflow", name=Name("houses"))) == 0
    assert (tmp_path / "houses.yaml").exists()
    lines = capsys.readouterr().out.splitlines()
    placeholders = [line for line in lines if line.startswith("to do: ")]
    assert [option for line in placeholders for option in re.findall(r"--\S+", line)] == ["--cloud-root", "--image"]
    compiled("kubeflow", "houses", tmp_path)
    assert "to do" not in capsys.readouterr().out
    compiled("kubeflow", "houses", tmp_path, root="minio://bucket/folder")
    assert "to do" not in capsys.readouterr().out
