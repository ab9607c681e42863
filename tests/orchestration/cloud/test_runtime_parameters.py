"""Parameters that each run of a compiled job may set: in the job, in the settings of a step, on the command line."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from orchestration.cli import parser
from orchestration.cloud import job_file, places, step
from orchestration.cloud.compiler import Request
from orchestration.cloud.parameters import requested_parameters, runtime_parameters
from pipeline.variants import Name

from ..test_cloud import compiled

COMPILED, OTHER = "d23e3b14e3c8bcb7", "0123456789abcdef"
SOURCE = {"paths": "data/cars.csv", "data": {"format": None}}


def steps() -> dict[str, dict[str, Any]]:
    """Parameters of the steps that take those of a run, as a platform passes them without the run's own."""
    training = {"training": {"epochs": 60, "seed": 1}}
    facts = {"config": {"data": {"path": "data/cars.csv"}, **training}, "data": "data/cars.csv"}
    return {
        "ingestion": {"settings": json.dumps({"inline": SOURCE}), "content": COMPILED},
        "validation": {
            "settings": json.dumps({"inline": {"source": SOURCE, "source_content": COMPILED}}),
            "content": "",
            "facts": json.dumps(facts),
        },
        "tuner": {"settings": json.dumps({"inline": training})},
        "trainer": {"custom_config": json.dumps({"settings": {"inline": training}}), "run_fn": "models.run_fn"},
    }


def applied(step: str, **values: Any) -> Any:
    given = {**steps()[step], **{f"run_{name}": value for name, value in values.items()}}
    before = copy.deepcopy(given)
    own = runtime_parameters.applied(given)
    assert given == before
    assert own.keys() == steps()[step].keys()
    return {key: json.loads(value) if value.startswith("{") else value for key, value in own.items()}


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0"])
def test_epochs_are_those_of_the_run_however_a_platform_passes_them(value: Any) -> None:
    assert applied("trainer", epochs=value)["custom_config"]["settings"]["inline"]["training"]["epochs"] == 3
    assert applied("tuner", epochs=value)["settings"]["inline"]["training"]["epochs"] == 3
    assert applied("validation", epochs=value)["facts"]["config"]["training"] == {"epochs": 3, "seed": 1}


def test_a_step_without_parameters_of_the_run_is_unchanged() -> None:
    for parameters in steps().values():
        assert runtime_parameters.applied(parameters) == parameters
    own = {"epochs": 7, "run_time": "x", "settings": "no JSON"}
    assert runtime_parameters.applied(own) == own, "parameters of a user's stage"


def test_the_entry_point_of_a_step_passes_the_changed_settings_on_to_tfx() -> None:
    given = {**steps()["trainer"], "run_epochs": 3.0}
    local_places = places.of("gs://bucket/root/output.json", {})
    corrected = step.corrected({"inputs": {"parameterValues": given}, "outputs": {}}, {}, local_places)
    values = corrected["inputs"]["parameterValues"]
    assert values.keys() == steps()["trainer"].keys()
    assert json.loads(values["custom_config"])["settings"]["inline"]["training"]["epochs"] == 3


@pytest.mark.parametrize(
    ("path", "version", "content"),
    [
        ("data/cars.csv", COMPILED, COMPILED),
        ("data/new.csv", OTHER, OTHER),
        ("gs://bucket/new.csv", f"bucket-{OTHER}", f"bucket-{OTHER}"),
        ("gs://bucket/new.csv", "2026-12-01", ""),
    ],
)
def test_the_data_of_the_run_is_read_and_checked_if_its_digest_is_known(path: str, version: str, content: str) -> None:
    ingestion = applied("ingestion", data_path=path, data_version=version)
    assert ingestion["settings"]["inline"]["paths"] == path
    assert ingestion["content"] == content
    validation = applied("validation", data_path=path, data_version=version)
    inline = validation["settings"]["inline"]
    assert (inline["source"]["paths"], inline["source_content"], validation["content"]) == (path, content, "")
    assert validation["facts"]["data"] == validation["facts"]["config"]["data"]["path"] == path


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": -1}, r"parameter epochs is -1: write a whole number, 0 or more"),
        ({"epochs": 2.5}, r"parameter epochs is 2.5: write a whole number"),
        ({"epochs": True}, r"parameter epochs is True: write a whole number"),
        ({"epochs": ""}, r"parameter epochs is '': write a whole number"),
        ({"data_path": " ", "data_version": OTHER}, r"parameter data_path is ' ': write a text that is not empty"),
        (
            {"data_path": "/etc/passwd", "data_version": OTHER},
            r"data_path is /etc/passwd: write a URI, or a path below",
        ),
        ({"data_path": "data/../../x.csv", "data_version": OTHER}, r"write a URI, or a path below the project"),
        ({"data_path": "data/new.parquet", "data_version": OTHER}, r"has another format than data/cars.csv: compile"),
        (
            {"data_path": "data/new.csv", "data_version": COMPILED},
            r"data_version is that of data/cars.csv: set data_ver",
        ),
    ],
)
def test_a_value_that_is_not_valid_is_an_error_of_the_step(values: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        applied("validation" if "epochs" in values else "ingestion", **values)


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_job_declares_its_parameters_with_the_config_s_values(target: str, tmp_path: Path) -> None:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    job = compiled(target, "cars", tmp_path)
    spec = job.get("pipelineSpec", job)
    [path] = tmp_path.iterdir()
    assert job_file.read(str(path)) == job
    defaults = runtime_parameters.defaults(job)
    content = spec["root"]["dag"]["tasks"]["ingestion"]["inputs"]["parameters"]["content"]["runtimeValue"]["constant"]
    assert defaults == {"epochs": 300, "data_path": "data/cars.csv", "data_version": content}
    declared = json_format.ParseDict(spec, pb.PipelineSpec()).root.input_definitions.parameters
    assert declared["epochs"].parameter_type == pb.ParameterType.NUMBER_INTEGER
    assert all(parameter.is_optional for parameter in declared.values())
    takes = {
        task_id: sorted(source["componentInputParameter"] for source in sources if "componentInputParameter" in source)
        for task_id, task in spec["root"]["dag"]["tasks"].items()
        if (sources := task.get("inputs", {}).get("parameters", {}).values())
    }
    assert {task_id: names for task_id, names in takes.items() if names} == {
        "ingestion": ["data_path", "data_version"],
        "validation": ["data_path", "data_version", "epochs"],
        "trainer": ["epochs"],
    }

    request = Request(target=target, name=Name("cars"))
    assert requested_parameters.values(["epochs=3"], request, job) == {"epochs": 3}
    assert requested_parameters.values([], request, job) == {}
    with pytest.raises(UserError, match=r"data.path: there is no file .*data/none.csv"):
        requested_parameters.values(["data_path=data/none.csv"], request, job)
    with pytest.raises(UserError, match=r"data/houses.csv.gz: .*cyl"):
        requested_parameters.values(["data_path=data/houses.csv.gz"], request, job)
    same = requested_parameters.values(["data_path=data/cars.csv"], request, job)
    assert same == {"data_path": "data/cars.csv", "data_version": content}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vertex", "--parameter", "epochs=3"], "--parameter is of a run: add --submit, --schedule or --dry-run"),
        (["--vertex", "--parameter", "epochs=3", "--follow", "r"], "--parameter is of the run that --submit starts"),
        (["--local", "--parameter", "epochs=3"], "--parameter has no effect with --local"),
        (["--vertex", "--dry-run", "--parameter", "epoch=3"], "--parameter epoch=3: write NAME=VALUE with one of the"),
        (["--vertex", "--dry-run", "--parameter", "epochs"], "--parameter epochs: write NAME=VALUE"),
        (["--vertex", "--dry-run", "--parameter", "epochs=x"], "parameter epochs is 'x': write a whole number"),
    ],
)
def test_a_parameter_without_a_run_or_a_value_is_an_error_before_anything_is_compiled(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parser.main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "compiling" not in captured.out


def test_a_parameter_that_the_job_lacks_is_named_with_its_reason() -> None:
    job = {"root": {"inputDefinitions": {"parameters": {"epochs": {"defaultValue": 5}}}}}
    with pytest.raises(UserError, match=r"--parameter data_path: .* as data.path of the config has several paths"):
        runtime_parameters.check_declared(["epochs", "data_path"], job)
    with pytest.raises(UserError, match=r"--parameter epochs: .* as it was compiled without"):
        runtime_parameters.check_declared(["epochs"], {"root": {}})
