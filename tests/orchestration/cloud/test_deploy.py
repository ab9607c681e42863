"""`deploy --vertex`: the real client against a server that validates each request with the API's own messages."""

import json

import pytest

from orchestration.cli import parser

from .platform_server import platform_server

ROOT = "gs://bucket/root"
MODEL = "projects/my-project/locations/europe-west4/models/houses"


@pytest.fixture
def server(monkeypatch, tmp_path, gcs):
    """A server, and two pushed versions in a bucket."""
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_REGION", "PIPELINE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for number in (1, 2):
        gcs.put("bucket", f"root/houses/serving/{number}/saved_model.pb", b"model")
    with platform_server() as running:
        yield running


def deploy(server, *more):
    access = ["--gcp-project", "my-project", "--region", "europe-west4", "--endpoint", server.url]
    return parser.main(["deploy", "houses", "--vertex", "--root", ROOT, *access, *more])


def sent(server):
    """Last part of the path and body of each request that changes something."""
    return [
        (path.rpartition("/")[2].partition(":")[2] or path.rpartition("/")[2], body)
        for method, path, body, _ in server.requests
        if method != "GET" and not path.endswith(":testIamPermissions")
    ]


def test_the_newest_version_is_uploaded_and_answers_on_an_endpoint(server, capsys):
    options = [
        "--service-account",
        "serve@my-project.iam",
        "--encryption-key",
        "a/b",
        "--machine-type",
        "n1-standard-4",
    ]
    assert deploy(server, *options, "--max-replicas", "3") == 0
    (_, upload), (_, create), (_, deployed) = requests = sent(server)
    assert [name for name, _ in requests] == ["upload", "endpoints", "deployModel"]
    assert (upload["modelId"], upload["serviceAccount"]) == ("houses", "serve@my-project.iam")
    model = upload["model"]
    assert model["artifactUri"] == f"{ROOT}/houses/serving/2"
    assert model["containerSpec"]["imageUri"].startswith("us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15")
    assert model["versionAliases"] == ["pushed-2", "default"]
    assert model["encryptionSpec"] == create["encryptionSpec"] == {"kmsKeyName": "a/b"}
    assert deployed["deployedModel"]["model"] == f"{MODEL}@1"
    resources = deployed["deployedModel"]["dedicatedResources"]
    assert resources == {"machineSpec": {"machineType": "n1-standard-4"}, "minReplicaCount": 1, "maxReplicaCount": 3}
    assert deployed["trafficSplit"] == {"0": 100}
    out = capsys.readouterr().out
    assert f"uploaded   {ROOT}/houses/serving/2 as version 1 of model houses" in out
    assert "answers with version 2 of houses" in out


def test_a_second_call_changes_nothing_and_another_version_takes_over(server, gcs, capsys):
    assert deploy(server, "--version", "1") == 0
    requests_before = len(sent(server))
    assert deploy(server, "--version", "1") == 0
    assert "unchanged" in capsys.readouterr().out
    assert len(sent(server)) == requests_before

    assert deploy(server, "--serving-image", "registry/serve:1") == 0
    names = [name for name, _ in sent(server)[requests_before:]]
    assert names == ["upload", "deployModel", "undeployModel"], "the old one is removed last"
    upload = sent(server)[requests_before][1]
    assert (upload["parentModel"], "modelId" in upload) == (MODEL, False)
    assert upload["model"]["containerSpec"]["imageUri"] == "registry/serve:1"
    [endpoint] = [entry for name, entry in server.entries.items() if "/endpoints/" in name]
    [answering] = endpoint["deployedModels"]
    assert answering["modelVersionId"] == "2"

    assert deploy(server, "--version", "1") == 0
    assert sent(server)[-2][1]["deployedModel"]["model"] == f"{MODEL}@1", "a known version is not uploaded again"


def test_what_others_deployed_stays(server):
    assert deploy(server, "--version", "1") == 0
    [endpoint] = [entry for name, entry in server.entries.items() if "/endpoints/" in name]
    endpoint["deployedModels"].append({"id": "77", "model": MODEL.replace("houses", "other"), "modelVersionId": "1"})
    assert deploy(server) == 0
    assert [deployed["id"] for deployed in endpoint["deployedModels"] if deployed["model"] != MODEL] == ["77"]


def test_an_interrupted_call_resumes(server, monkeypatch):
    change = server.change_endpoint
    server.change_endpoint = lambda *_: (_ for _ in ()).throw(AssertionError("no machine of this type"))
    assert deploy(server) == 5
    server.change_endpoint = change
    requests_before = len(sent(server))
    assert deploy(server) == 0
    assert [name for name, _ in sent(server)[requests_before:]] == ["deployModel"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vertex", "--root", ROOT], "Vertex AI needs --gcp-project"),
        (["--vertex", "--root", ROOT, "--gcp-project", "my-project"], "Vertex AI needs --region"),
        (["--root", ROOT], "say --vertex"),
        (
            ["--vertex", "--root", "runs", "--gcp-project", "my-project", "--region", "europe-west4"],
            "--root gs://BUCKET",
        ),
        (
            ["--vertex", "--root", "gs://bucket/none", "--gcp-project", "my-project", "--region", "europe-west4"],
            "has no pushed version: run houses first",
        ),
        (
            ["--vertex", "--root", ROOT, "--gcp-project", "my-project", "--region", "europe-west4", "--version", "9"],
            "has no version 9. Newest versions: 1, 2.",
        ),
    ],
)
def test_a_missing_option_is_reported_before_anything_is_sent(server, capsys, arguments, message):
    assert parser.main(["deploy", "houses", "--endpoint", server.url, *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert server.requests == []


def test_a_permission_that_this_account_lacks_is_named_before_anything_is_changed(server, capsys):
    server.lacking = {"aiplatform.endpoints.deploy"}
    assert deploy(server) == 5
    assert "this account lacks aiplatform.endpoints.deploy: let an owner grant it" in capsys.readouterr().err
    assert sent(server) == []
    server.denied = True
    assert deploy(server) == 5
    assert "permission denied" in capsys.readouterr().err
    assert sent(server) == []


def test_a_model_of_another_origin_is_not_touched(server, capsys):
    server.entries[MODEL] = {"name": MODEL, "displayName": "houses", "versionId": "1"}
    assert deploy(server) == 2
    assert "the Model Registry has a model houses that this command did not create" in capsys.readouterr().err
    server.entries.clear()
    assert deploy(server) == 0
    server.entries[f"{MODEL}@pushed-2"]["artifactUri"] = "gs://bucket/elsewhere/2"
    assert deploy(server) == 2
    assert "pushed-2 of model houses is gs://bucket/elsewhere/2" in capsys.readouterr().err
    assert json.dumps(sent(server)).count("upload") <= 2


def test_a_missing_version_is_reported_with_the_five_newest(server, gcs, capsys):
    for number in (9, 11, 12, 13, 14):
        gcs.put("bucket", f"root/houses/serving/{number}/saved_model.pb", b"model")
    assert deploy(server, "--version", "10") == 2
    assert "has no version 10. Newest versions: 9, 11, 12, 13, 14." in " ".join(capsys.readouterr().err.split())
