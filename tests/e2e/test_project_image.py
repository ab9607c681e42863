"""A project compiled for the clouds, and its stages in what its image holds."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from benchmarks.workloads import copy_code

from .conftest import runner
from .test_project_folder import make


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The folders of a project's image, as the two Dockerfiles copy them: the clone and the project."""
    base = tmp_path_factory.mktemp("image")
    copy_code(base / "app")
    return base / "app", make(tmp_path_factory.mktemp("mine") / "flats", rows=200), base / "project"


def in_image(image, command):
    """Run a command as a container of the image does: with the variables and the folder of the project's Dockerfile."""
    app, _, project = image
    text = (project / "Dockerfile").read_text().replace("/project", str(project)).replace("/app", str(app))
    [line], [folder] = re.findall(r"(?m)^ENV (.*)$", text), re.findall(r"(?m)^WORKDIR (.*)$", text)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIPELINE"))}
    environment |= dict(part.split("=", 1) for part in line.split())
    return subprocess.run([sys.executable, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True)


def parameters(spec, stage):
    parameters_of_stage = spec["root"]["dag"]["tasks"][stage]["inputs"]["parameters"]
    return {
        key: value["runtimeValue"]["constant"] for key, value in parameters_of_stage.items() if "runtimeValue" in value
    }


def ingest(spec, image, target):
    """Run the command of the job's first stage."""
    component = spec["components"]["ingestion"]
    container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    kind = component["outputDefinitions"]["artifacts"]["examples"]["artifactType"]
    artifact = {"name": "examples", "uri": str(target / "examples"), "type": kind}
    executor_input = {
        "inputs": {"parameterValues": parameters(spec, "ingestion")},
        "outputs": {
            "artifacts": {"examples": {"artifacts": [artifact]}},
            "outputFile": str(target / "output.json"),
        },
    }
    words = [word.replace("{{$}}", json.dumps(executor_input)) for word in container["command"] + container["args"]]
    return in_image(image, words)


CHECK = """
import importlib, json, sys
from components.fingerprints import code_digest
for parameters in json.loads(sys.argv[1]):
    code_digest.check(parameters)
importlib.import_module("my_features"), importlib.import_module("my_network")
"""


def test_the_image_of_a_project_runs_its_job_and_refuses_edited_code(image, tmp_path):
    _, folder, project = image
    output = tmp_path / "flats.json"
    result = runner("--project", folder, "--vertex", "--pipeline", "flats", "--output", output)
    assert result.code == 0, result.err + result.out
    assert f"docker build -t IMAGE {folder}" in result.out
    spec = json.loads(output.read_text())["pipelineSpec"]
    assert str(folder) not in json.dumps(spec), "the job names a folder of this machine"
    shutil.copytree(folder, project, ignore=shutil.ignore_patterns("runs"))

    completed = ingest(spec, image, tmp_path)
    assert completed.returncode == 0, completed.stderr[-3000:]
    examples = json.loads((tmp_path / "output.json").read_text())["artifacts"]["examples"]["artifacts"][0]
    assert sum(json.loads(examples["metadata"]["rows"]).values()) == 200

    keyed = json.dumps([parameters(spec, stage) for stage in ("transformation", "trainer")])
    completed = in_image(image, ["python", "-c", CHECK, keyed])
    assert completed.returncode == 0, completed.stderr[-3000:]
    (project / "my_units.py").write_text("UNITS = 9\n")
    completed = in_image(image, ["python", "-c", CHECK, keyed])
    assert re.search(r"UserError: the code of .*my_network.* differs from the version", completed.stderr), (
        completed.stderr
    )
