"""The command `serve`: its arguments, the server as a process, and its refusals."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from errors import ResourceError, UserError
from orchestration import serving_sources
from orchestration.cli import parser
from orchestration.cli.model_commands import serve_command
from orchestration.cli.parser import main
from orchestration.paths import Root
from serving.server.server_settings import ModelSource


@pytest.fixture
def root(tmp_path):
    for name, numbers in (("houses", (5, 8)), ("taxi-small", (2,))):
        for number in numbers:
            (tmp_path / name / "serving" / str(number)).mkdir(parents=True)
    return tmp_path


def sources(root, *names, versions="1", pinned=(), labels=()):
    return serving_sources.sources(Root(str(root)), names, versions=versions, pinned=pinned, labels=labels)


def test_models_their_versions_and_labels(root):
    houses, taxi = sources(
        root, "houses", "taxi-small", "houses", versions="2", pinned=["taxi-small:2"], labels=["houses:stable=5"]
    )
    assert (houses.name, houses.versions, houses.pinned, houses.labels) == ("houses", 2, frozenset(), {"stable": 5})
    assert (taxi.name, taxi.pinned) == ("taxi-small", {2})
    assert sources(root, "houses", versions="all")[0].versions is None
    assert houses.form["grade"] == {"minimum": 1, "maximum": 13}
    assert taxi.form["trip_start_hour"] == {"minimum": 0, "maximum": 23}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"versions": "0"}, "--versions 0: expected a number above 0, or all"),
        ({"pinned": ["houses:7"]}, "houses has no version 7. Known versions: 5, 8"),
        ({"pinned": ["taxi:2"]}, "taxi is none of the models to serve: houses"),
        ({"labels": ["houses:8"]}, "expected NAME:LABEL=V"),
        ({"labels": ["houses:stable=x"]}, "houses has no version x"),
    ],
)
def test_wrong_arguments(root, arguments, message):
    with pytest.raises(UserError, match=message):
        sources(root, "houses", **arguments)


def test_a_bucket_is_refused():
    with pytest.raises(UserError, match="copy the serving folder, or mount the bucket"):
        sources("gs://bucket/runs", "houses")


def test_a_pipeline_without_a_version(root):
    with pytest.raises(UserError, match=r"holds no version yet.*Did you mean 'houses'"):
        sources(root, "house")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "anyone who can reach this address could query the models. Set the environment"),
        (["--key", "a.pem"], "TLS needs both --certificate FILE and --key FILE"),
    ],
)
def test_unsafe_or_incomplete_arguments_are_refused(root, arguments, message, capsys, monkeypatch):
    monkeypatch.delenv("PIPELINE_SERVE_TOKEN", raising=False)
    assert main(["serve", "houses", "--root", str(root), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_server_as_a_process(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    tf.saved_model.save(module, str(tmp_path / "houses/serving/1"), signatures=double.get_concrete_function())
    command = [sys.executable, "runner.py", "serve", "houses", "--port", "0", "--root", str(tmp_path), "--cores", "1"]
    environment = {**os.environ, "PIPELINE_SERVE_TOKEN": "secret"}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        assert server.stdout.readline() == "houses: version 1 serves, warmed by 0 requests\n"
        request = urllib.request.Request(
            f"{address}v1/models/houses:predict",
            json.dumps({"instances": [1.5]}).encode(),
            {"Authorization": "Bearer secret"},
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            assert json.load(response) == {"predictions": [3.0]}
    finally:
        server.send_signal(signal.SIGTERM)
        output, errors = server.communicate(timeout=120)
    assert (server.returncode, output) == (0, "stopped: all requests are answered\n")
    assert "secret" not in output + errors
    assert "oneDNN" not in errors  # TensorFlow's messages at its start


def log_options(sources, *options):
    arguments = parser.parser().parse_args(["serve", "tiny", *options])
    return serve_command._row_log(arguments, sources)


def test_options_of_the_log_are_checked(tmp_path):
    folder = tmp_path / "serving/7/assets.extra"
    folder.mkdir(parents=True)
    (folder.parent / "saved_model.pb").write_bytes(b"")
    (folder / "requests.json").write_text('{"inputs": [{"name": "sq_ft", "column": "sq ft"}]}')
    sources = [ModelSource(name="tiny", folder=str(tmp_path / "serving"))]
    assert log_options(sources) is None
    with pytest.raises(UserError, match="--log-mask has no effect without --log DIR"):
        log_options(sources, "--log-mask", "sq ft")
    log = str(tmp_path / "log")
    with pytest.raises(UserError, match=r"--log-mask sqft: no model reads such a column, .*Did you mean 'sq ft'"):
        log_options(sources, "--log", log, "--log-mask", "sqft")
    with pytest.raises(UserError, match="a folder of this machine"):
        log_options(sources, "--log", "gs://bucket/log")
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be written"):
        log_options(sources, "--log", str(tmp_path / "file/log"))
    options = log_options(sources, "--log", log, "--log-mask", "sq ft", "--log-sample", ".01", "--log-mb", "2")
    assert (options.folder, options.sample, options.masked, options.model_bytes) == (log, 0.01, {"sq ft"}, 2 << 20)
    for share in ("0", "1.5"):
        with pytest.raises(SystemExit):
            parser.parser().parse_args(["serve", "tiny", "--log-sample", share])
