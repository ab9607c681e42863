"""`upload`: the data of a pipeline in a bucket of each kind."""

import hashlib
import shutil
from pathlib import Path

import pytest

import buckets
from components.ingestion.discovery import bucket_objects
from orchestration.cli import parser
from orchestration.cloud.data import upload

from ...flats import Flats


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    for name in ("configs", "schemas", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "pipeline-project.toml").write_text("format = 1\n")
    (folder / "configs" / "flats.toml").write_text(Flats.CONFIG.replace("data/flats.csv", "data/flats-{SPAN}.csv"))
    for span in (1, 2):
        (folder / "data" / f"flats-{span}.csv").write_text(f"area,city,rent\n{span},Bern,900\n")
    monkeypatch.delenv("PIPELINE_PROJECT", raising=False)
    return folder


@pytest.fixture(params=["gs", "s3"])
def root(request):
    request.getfixturevalue("gcs" if request.param == "gs" else "s3")
    uri = f"{request.param}://bucket/{request.node.name.partition('[')[0]}"
    for name in buckets.files(uri):
        buckets.remove(f"{uri}/{name}")
    return uri


def run(project, root, *more):
    return parser.main(["upload", "flats", "--project", str(project), "--data-root", root, *more])


def test_what_a_run_reads_is_copied_with_its_digest_and_only_once(project, root, capsys):
    buckets.write(f"{root}/data/of-others.csv", b"stays")
    assert run(project, root) == 0
    assert f"uploaded   {root}/data/flats-2.csv\n1 of 1 files uploaded" in capsys.readouterr().out
    assert buckets.files(root) == ["data/flats-2.csv", "data/of-others.csv"], "the newest span, and nothing removed"
    content = (project / "data" / "flats-2.csv").read_bytes()
    uploaded = bucket_objects.version(f"{root}/data/flats-2.csv")
    assert (buckets.read(uploaded.uri), uploaded.digest) == (content, hashlib.sha256(content).hexdigest())

    assert run(project, root, "--set", 'data.path="data/flats-*.csv"') == 0
    out = capsys.readouterr().out
    assert f"uploaded   {root}/data/flats-1.csv\nequal      {root}/data/flats-2.csv\n1 of 2 files" in out
    assert bucket_objects.version(uploaded.uri) == uploaded, "an equal object is not written again"


def test_another_object_is_replaced_and_an_equal_one_of_another_tool_is_left(project, root):
    uri = f"{root}/data/flats-2.csv"
    content = (project / "data" / "flats-2.csv").read_bytes()
    buckets.write(uri, content[:-1] + b"x")
    assert run(project, root) == 0
    assert buckets.read(uri) == content
    buckets.write(uri, content)
    version = bucket_objects.version(uri)
    assert run(project, root) == 0
    has_md5 = root.startswith("s3")
    assert (bucket_objects.version(uri) == version) == has_md5, "only a tag that is an MD5 shows that it is equal"


@pytest.mark.parametrize("exists", [False, True])
def test_an_object_that_something_else_writes_meanwhile_is_kept(project, root, exists, monkeypatch, capsys):
    uri = f"{root}/data/flats-2.csv"
    if exists:
        buckets.write(uri, b"before")
    looked = upload._present

    def present(uri):
        version = looked(uri)
        buckets.write(uri, b"of another writer")
        return version

    monkeypatch.setattr(upload, "_present", present)
    assert run(project, root) == 5
    assert f"{uri}: changed while it was uploaded: another process writes there" in capsys.readouterr().err
    assert buckets.read(uri) == b"of another writer"


def test_an_answer_that_is_lost_does_not_look_like_another_writer(project, root, monkeypatch):
    """The client repeats the request, which then finds what the first one has written."""
    write = bucket_objects.write
    monkeypatch.setattr(bucket_objects, "write", lambda *arguments: (write(*arguments), write(*arguments)))
    assert run(project, root) == 0


def test_a_file_that_changes_while_it_is_copied_is_noticed(project, root, monkeypatch, capsys):
    path = project / "data" / "flats-2.csv"
    digests = upload._digests

    def digest(name):
        result = digests(name)
        path.write_text(path.read_text().replace("900", "901"))
        return result

    monkeypatch.setattr(upload, "_digests", digest)
    assert run(project, root) == 5
    assert "flats-2.csv: changed while it was uploaded: upload it again" in capsys.readouterr().err


def test_images_and_served_rows_come_along(project, root, gcs, capsys):
    shutil.rmtree(project / "data")
    for name in ("pets/cats/1.png", "pets/dogs/2.png", "pets/.hidden", "served/1.csv"):
        (project / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "data" / name).write_bytes(b"")
    config = Flats.CONFIG.replace("data/flats.csv", "data/pets")
    (project / "configs" / "flats.toml").write_text(config)
    skew = ("--set", 'gates.skew.path="data/served"', "--set", 'data.format="images"')
    assert run(project, root, *skew) == 0
    assert buckets.files(root) == ["data/pets/cats/1.png", "data/pets/dogs/2.png", "data/served/1.csv"]
    assert run(project, root, "--set", 'gates.skew.path="data/none"', "--set", 'data.format="images"') == 0
    assert "note: there are no served rows here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "upload needs --data-root"),
        (("--data-root", "data"), "--data-root: data: is not an address of a bucket: write gs://BUCKET/PATH, s3://"),
        (("--data-root", "gs://bucket/x", "--set", 'data.path="../x.csv"'), "needs a path under the data root"),
        (("--data-root", "gs://nowhere/x"), "gs://nowhere: this bucket does not exist"),
    ],
)
def test_wrong_arguments_are_errors(project, gcs, capsys, more, message):
    code = parser.main(["upload", "flats", "--project", str(project), *more])
    assert code == (5 if "nowhere" in message else 2)
    assert message in capsys.readouterr().err


def test_a_denied_bucket_is_an_error_with_its_remedy(project, gcs, capsys):
    gcs.denied = "bucket-of-others"
    assert run(project, "gs://bucket-of-others/x") == 5
    assert "permission denied: let this account list, read, create" in capsys.readouterr().err
    assert Path(project / "data" / "flats-2.csv").exists()
