"""--submit, --follow, --schedule: the real clients of both platforms against a server that validates each request."""

import json
import re

import pytest
import yaml

from errors import ResourceError
from orchestration.cli import compile_command, parser
from orchestration.cloud import follow, remote

from .platform_server import TIME, platform_server

SPEC = {
    "pipelineInfo": {"name": "houses"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx-1.16.0",
    "root": {
        "inputDefinitions": {
            "parameters": {"epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 60.0, "isOptional": True}}
        },
        "dag": {
            "tasks": {
                "trainer": {"componentRef": {"name": "trainer"}, "taskInfo": {"name": "trainer"},
                            "dependentTasks": ["ingestion"]},
                "ingestion": {"componentRef": {"name": "ingestion"}, "taskInfo": {"name": "ingestion"}},
            }
        }
    },
    "components": {name: {"executorLabel": name} for name in ("ingestion", "trainer")},
    "deploymentSpec": {
        "executors": {name: {"container": {"image": "registry/image:1"}} for name in ("ingestion", "trainer")}
    },
}  # fmt: skip
ROOT = "gs://bucket/root"
SEND = ["--image", "registry/image:1", "--cloud-root", ROOT]


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server, a compiler that writes a small job, and no pause between two requests for a state."""

    def compiled(arguments, target, name, output):
        spec = json.loads(json.dumps(SPEC).replace("registry/image:1", arguments.image))
        spec["pipelineInfo"]["name"] = name.run
        with open(output, "w") as file:
            if target == "vertex":
                json.dump({"pipelineSpec": spec, "runtimeConfig": {"gcsOutputDirectory": arguments.cloud_root}}, file)
            else:
                yaml.safe_dump({**spec, "defaultPipelineRoot": arguments.cloud_root}, file)

    monkeypatch.setattr(compile_command, "_compile", compiled)
    monkeypatch.setattr(follow, "SECONDS", 0.0)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_REGION", "KF_PIPELINES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with platform_server() as running:
        yield running


@pytest.fixture(params=["vertex", "kubeflow"])
def target(request):
    return request.param


def access(target, server):
    options = ["--gcp-project", "my-project", "--region", "europe-west4"] if target == "vertex" else []
    return [f"--{target}", "--endpoint", server.url, *options]


def schedule(command, target, server, *names):
    return parser.main(["schedule", command, *names, *access(target, server)])


def states(target, state, **stages):
    """What the service answers for a run."""
    if target == "vertex":
        details = [
            {"taskName": name, "state": word, "startTime": TIME, "endTime": "2026-01-01T00:00:07Z",
             **({"error": {"message": reason}} if reason else {})}
            for name, (word, reason) in stages.items()
        ]  # fmt: skip
        return {"state": f"PIPELINE_STATE_{state}", "jobDetail": {"taskDetails": details}}
    details = [
        {"display_name": name, "state": word, "start_time": TIME, "end_time": "2026-01-01T00:00:07Z",
         **({"error": {"message": reason}} if reason else {})}
        for name, (word, reason) in stages.items()
    ]  # fmt: skip
    return {"state": state.replace("CANCELLED", "CANCELED"), "run_details": {"task_details": details}}


def posted(server, end):
    [body] = [body for method, path, body, _ in server.requests if method == "POST" and path.endswith(end)]
    return body


def test_a_job_is_submitted_with_its_root_account_and_key(server, target, capsys):
    options = ["--service-account", "runs@my-project.iam"]
    options += ["--network", "projects/1/global/networks/n", "--encryption-key", "a/b"] if target == "vertex" else []
    assert parser.main([*access(target, server), *SEND, "--submit", *options]) == 0

    body = posted(server, "/pipelineJobs" if target == "vertex" else "/runs")
    if target == "vertex":
        assert body["runtimeConfig"]["gcsOutputDirectory"] == ROOT
        assert (body["serviceAccount"], body["network"]) == ("runs@my-project.iam", "projects/1/global/networks/n")
        assert body["encryptionSpec"] == {"kmsKeyName": "a/b"}
    else:
        assert body["runtime_config"]["pipeline_root"] == ROOT
        assert body["service_account"] == "runs@my-project.iam"
    out = capsys.readouterr().out
    assert "submitted  " in out
    assert "page       http" in out


@pytest.mark.parametrize(
    ("end", "stages", "code", "message"),
    [
        ("SUCCEEDED", {"trainer": ("SUCCEEDED", "")}, 0, ["trainer         done", "7.0 s", ": succeeded"]),
        (
            "FAILED",
            {"trainer": ("FAILED", "main: Error (exit code 3)")},
            3,
            ["trainer failed: main: Error (exit code 3)"],
        ),
        ("FAILED", {"trainer": ("FAILED", "exited with a non-zero status of 2")}, 2, ["status of 2"]),
        ("FAILED", {"trainer": ("FAILED", "out of memory, exit code 137")}, 4, ["out of memory"]),
        ("FAILED", {"trainer": ("FAILED", "")}, 4, ["trainer failed: the service gives no reason"]),
        ("CANCELLED", {"trainer": ("CANCELLED", "")}, 130, [": canceled"]),
    ],
)
def test_a_run_is_followed_to_its_end(server, target, capsys, end, stages, code, message):
    server.script = [
        {},
        states(target, "RUNNING", ingestion=("RUNNING", "")),
        states(target, "RUNNING", ingestion=("SKIPPED", ""), trainer=("RUNNING", "")),
        states(target, end, ingestion=("SKIPPED", ""), **stages),
    ]
    assert parser.main([*access(target, server), *SEND, "--submit", "--follow"]) == code

    out = capsys.readouterr().out
    assert "ingestion       cached" in out
    assert out.rstrip().splitlines()[-1].startswith("page    http")
    for text in message:
        assert text in out


def test_an_existing_run_is_followed_by_its_id(server, target, capsys):
    parser.main([*access(target, server), *SEND, "--submit"])
    run_id = capsys.readouterr().out.split("submitted  ")[1].split()[0]
    server.script = [states(target, "SUCCEEDED", ingestion=("SUCCEEDED", ""))]

    assert parser.main([*access(target, server), "--follow", run_id]) == 0
    assert f"run {run_id}: succeeded" in capsys.readouterr().out
    assert parser.main([*access(target, server), "--follow", "nosuch"]) == 5
    assert "nosuch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vertex", *SEND, "--submit"], r"needs --gcp-project, as --gcp-project my-project, or GOOGLE_CLOUD_PROJECT"),
        (["--vertex", *SEND, "--submit", "--gcp-project", "my-project"], "needs --region"),
        (["--vertex", *SEND, "--submit", "--gcp-project", "P", "--region", "europe-west4"], "--gcp-project P: is not"),
        (["--vertex", *SEND, "--submit", "--gcp-project", "my-project", "--region", "Europe"], "--region Europe: is"),
        (["--kubeflow", *SEND, "--submit"], "Kubeflow needs --endpoint"),
        (["--kubeflow", *SEND, "--submit", "--endpoint", "localhost:8080"], "write http://HOST:PORT"),
        (["--kubeflow", *SEND, "--submit", "--endpoint", "http://me:canary@host"], "write http://HOST:PORT"),
        (["--kubeflow", *SEND, "--submit", "--endpoint", "http://h", "--network", "n"], "--network has no effect"),
        (["--vertex", "--image", "i:1", "--submit"], "needs --cloud-root: name your own as gs://BUCKET/FOLDER"),
        (["--vertex", "--cloud-root", ROOT, "--submit"], "needs --image: name your own as REGISTRY/NAME:TAG"),
        (["--vertex", "--follow"], "--follow is of the job that --submit starts, or of a run that exists"),
        (["--vertex", *SEND, "--submit", "--follow", "x"], "--follow is of the job that --submit starts, or of a run"),
        (["--vertex", *SEND, "--submit", "--schedule"], "leave out --submit and --follow"),
        (["--vertex", *SEND, "--submit", "--variant", "all"], "of one variant"),
        (["--vertex", *SEND, "--submit", "--dry-run"], "--dry-run executes the job on this machine"),
        (["--local", "--submit"], "--submit has no effect with --local"),
        (["--local", "--follow", "x"], "--follow has no effect with --local"),
    ],
)
def test_a_missing_option_is_reported_before_anything_is_sent(server, capsys, arguments, message):
    assert parser.main(arguments) == 2
    err = capsys.readouterr().err
    assert message in " ".join(err.split())
    assert "canary" not in err
    assert server.requests == []


def test_a_job_with_a_placeholder_is_not_sent(server, target, capsys):
    placeholder = ["--image", "YOUR-REGISTRY/keras-pipeline", "--cloud-root", ROOT]
    assert parser.main([*access(target, server), *placeholder, "--submit"]) == 2
    assert "still has the placeholder YOUR-REGISTRY/keras-pipeline" in capsys.readouterr().err
    assert not [request for request in server.requests if request[0] == "POST"]


def test_a_denied_permission_names_the_role_or_token(server, target, capsys, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "canary-token")
    server.denied = True
    assert parser.main([*access(target, server), *SEND, "--submit"]) == 5
    err = capsys.readouterr().err
    assert "permission denied" in err
    assert ("roles/aiplatform.user" if target == "vertex" else "KF_PIPELINES_TOKEN") in err
    assert "canary" not in err


def test_the_token_is_sent_to_kubeflow_and_not_printed(server, capsys, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "canary-token")
    assert parser.main([*access("kubeflow", server), *SEND, "--submit"]) == 0
    captured = capsys.readouterr()
    assert server.requests[-1][3]["authorization"] == "Bearer canary-token"
    assert "canary" not in captured.out + captured.err + repr(remote.Access(token="canary"))


def test_a_service_that_cannot_be_reached_is_named(server, target, capsys):
    server.url = "http://127.0.0.1:9"
    assert parser.main([*access(target, server), "--follow", "x"]) == 5
    err = capsys.readouterr().err
    assert "cannot be reached" in err


def test_schedules_are_created_listed_paused_resumed_and_deleted(server, target, capsys):
    assert parser.main([*access(target, server), *SEND, "--schedule", "30 3 * * 1"]) == 0
    name = "houses:command-line"
    cron = "TZ=UTC 30 3 * * 1" if target == "vertex" else "0 30 3 * * 1"
    body = posted(server, "/schedules" if target == "vertex" else "/recurringruns")
    if target == "vertex":
        assert (body["displayName"], body["cron"], body["maxConcurrentRunCount"]) == (name, cron, "1")
        assert "allowQueueing" not in body
    else:
        assert body["display_name"] == name
        assert body["trigger"]["cron_schedule"]["cron"] == cron
        assert (str(body["max_concurrency"]), body["no_catchup"]) == ("1", True)
        assert body["runtime_config"]["pipeline_root"] == ROOT
    assert f"scheduled  {name}: {cron}" in capsys.readouterr().out

    assert parser.main([*access(target, server), *SEND, "--schedule", "0 4 * * *"]) == 2
    assert f"{name} is scheduled already" in capsys.readouterr().err
    assert schedule("list", target, server) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["SCHEDULE", "TIMES", "STATE", "NEXT"]
    assert re.split(r"\s{2,}", line.strip()) == [name, cron, "active", "-"]
    assert schedule("pause", target, server, "command-line") == 0
    assert schedule("list", target, server, "--json") == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["schedules"][0]["state"] == "paused"
    assert schedule("resume", target, server, name) == 0
    assert schedule("delete", target, server, name) == 0
    capsys.readouterr()
    assert schedule("list", target, server) == 0
    assert capsys.readouterr().out == "no schedules\n"
    assert schedule("pause", target, server, name) == 2
    assert "there is no schedule 'houses:command-line'" in capsys.readouterr().err


def test_a_schedule_is_named_with_its_pipeline_where_several_have_the_name(server, target, capsys):
    for pipeline in ("houses", "cars"):
        assert parser.main([*access(target, server), *SEND, "--schedule", "0 4 * * *", "--pipeline", pipeline]) == 0
    assert schedule("pause", target, server, "command-line") == 2
    error = capsys.readouterr().err
    assert "'command-line' matches several schedules: " in error
    assert {"cars:command-line", "houses:command-line"} <= {*re.split(r"[\s,]+", error)}
    assert schedule("pause", target, server, "cars:command-line") == 0


@pytest.mark.parametrize(("words", "place"), [(["--submit"], "runs"), (["--schedule", "0 3 * * *"], "recurringruns")])
def test_parameters_of_a_run_are_checked_and_sent(server, target, capsys, words, place):
    assert parser.main([*access(target, server), *SEND, *words, "--parameter", "epochs=3"]) == 0
    assert "parameter  epochs = 3" in capsys.readouterr().out
    if target == "vertex":
        body = posted(server, "/pipelineJobs" if place == "runs" else "/schedules")
        config = (body if place == "runs" else body["createPipelineJobRequest"]["pipelineJob"])["runtimeConfig"]
        assert (config["gcsOutputDirectory"], config["parameterValues"]) == (ROOT, {"epochs": 3.0})
    else:
        config = posted(server, f"/{place}")["runtime_config"]
        assert (config["pipeline_root"], config["parameters"]) == (ROOT, {"epochs": 3})

    server.requests.clear()
    for value, message in (("epochs=-1", "parameter epochs is '-1'"), ("data_path=data/x.csv", "no such parameter")):
        assert parser.main([*access(target, server), *SEND, "--submit", "--parameter", value]) == 2
        assert message in capsys.readouterr().err
    assert not [request for request in server.requests if request[0] == "POST"]


def test_a_schedule_of_this_machine_is_not_deleted_by_command(server, capsys):
    assert parser.main(["schedule", "delete", "houses:x"]) == 2
    assert "remove it there, or add --vertex" in capsys.readouterr().err
    assert schedule("next", "vertex", server, "houses:x") == 2
    assert "schedule next is for schedules of this machine" in capsys.readouterr().err


def test_an_invalid_request_is_an_error_of_the_service(server):
    service = remote.connect("vertex", remote.Access(project="my-project", region="europe-west4", endpoint=server.url))
    job = {"pipelineSpec": {**SPEC, "schemaVersion": "2.0.0"}, "runtimeConfig": {"gcsOutputDirectory": ROOT}}
    with pytest.raises(ResourceError, match=r"^Vertex AI, project my-project, region europe-west4: .*not valid"):
        service.submit(job, "", {})


def test_the_order_of_stages_is_that_of_the_data_flow():
    assert remote.in_order(SPEC["root"]["dag"]["tasks"]) == ["ingestion", "trainer"]
