"""Data in buckets: which objects are read, and what happens when one changes."""

import pickle
from pathlib import Path

import pytest

import buckets
from components.ingestion.discovery import bucket_data, bucket_objects, data_files
from components.ingestion.discovery.bucket_objects import ChangedError
from errors import ResourceError, UserError
from spec.data import Data


@pytest.fixture(params=["gs", "s3"])
def root(request):
    """A folder in an empty bucket of each kind."""
    request.getfixturevalue("gcs" if request.param == "gs" else "s3")
    uri = f"{request.param}://bucket/data-{request.node.name.partition('[')[0]}"
    for name in buckets.files(uri):
        buckets.remove(f"{uri}/{name}")
    return uri


def put(root, **files):
    for name, text in files.items():
        buckets.write(f"{root}/{name.replace('__', '/')}.csv", text.encode())


def opened(paths, **keys):
    return bucket_data.opened(paths, Data.model_validate({"path": paths, **keys}))


def read(data):
    """Name below the data's folder -> content, of the files that a stage would read."""
    data.fill()
    files = data_files.resolve(data.paths, Data(path="x"))
    return {Path(file.path).name: Path(file.path).read_text() for file in files}


def test_a_pattern_reads_what_it_reads_on_this_machine(root):
    put(root, a="1", b="2", other__c="3", _hidden="4")
    buckets.write(f"{root}/README.md", b"text")
    with opened(f"{root}/*.csv") as data:
        assert read(data) == {"_hidden.csv": "4", "a.csv": "1", "b.csv": "2"}
    with opened(f"{root}/a.csv") as data:
        assert read(data) == {"a.csv": "1"}
    with opened(root) as data:
        assert read(data) == {"_hidden.csv": "4", "a.csv": "1", "b.csv": "2"}
    with (
        pytest.raises(UserError, match=rf"there is no file {root}/none\.csv\. Put it there"),
        opened(f"{root}/none.csv"),
    ):
        pass


def test_only_the_newest_spans_and_versions_are_read(root):
    put(root, **{"d-1-1": "old", "d-2-1": "first", "d-2-2": "second"})
    paths = root + "/d-{SPAN}-{VERSION}.csv"
    with opened(paths) as data:
        assert list(read(data)) == ["d-2-2.csv"]
        digest = data.content
    put(root, **{"d-1-1": "changed"})
    with opened(paths) as data:
        assert data.content == digest, "a span that is not read"
    with opened(paths, window=2) as data:
        data.fill()
        assert [Path(path).read_text() for path in data.objects] == ["changed", "second"]


def test_labels_of_images_come_with_their_images(root):
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "test-images-idx3-ubyte"):
        buckets.write(f"{root}/{name}", name.encode())
    for path in (f"{root}/train-images-idx3-ubyte", f"{root}/train-*"):
        with opened(path) as data:
            assert [Path(name).name for name in data.objects] == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
            [images, labels] = data.objects
            data.fill(images)
            assert Path(labels).read_text() == "train-labels-idx1-ubyte"


def test_a_replaced_object_changes_the_digest_and_is_refused(root):
    put(root, a="one", b="two")
    with opened(f"{root}/*.csv") as data:
        digest = data.content
    with opened(f"{root}/*.csv") as data:
        assert data.content == digest
        data.verify(digest)
        data.verify("")
    put(root, b="owt")
    with opened(f"{root}/*.csv") as data:
        assert data.content != digest
        with pytest.raises(ResourceError, match=rf"{root}/a\.csv and 1 more: the data is not what the job was"):
            data.verify(digest)


def test_the_generation_counts_where_the_server_has_one(gcs):
    buckets.write("gs://bucket/a.csv", b"same")
    with opened("gs://bucket/a.csv") as data:
        digest = data.content
    buckets.write("gs://bucket/a.csv", b"same")
    with opened("gs://bucket/a.csv") as data:
        assert data.content != digest


def test_an_object_that_changes_after_the_check_is_not_read(root):
    put(root, a="one")
    with opened(f"{root}/a.csv") as data:
        data.verify(data.content)
        put(root, a="owt")
        with pytest.raises(ResourceError, match=rf"{root}/a\.csv: changed while it was read"):
            data.fill()
        [path] = data.objects
        assert Path(path).read_text() == "", "no part of it"
        buckets.remove(f"{root}/a.csv")
        with pytest.raises(ResourceError, match=rf"{root}/a\.csv: was removed while it was read"):
            data.fill()


def test_a_worker_on_another_machine_reads_its_own_file(root, tmp_path):
    put(root, a="one", b="two")
    with opened(f"{root}/*.csv") as data:
        [first_path, second_path] = data.objects
        text = pickle.dumps(data)
    assert not Path(first_path).exists()
    unpickled = pickle.loads(text)
    try:
        unpickled.fill(first_path)
        assert Path(first_path).read_text() == "one"
        assert not Path(second_path).exists()
    finally:
        Path(first_path).unlink()


def test_errors_name_the_object(root):
    put(root, a="x")
    with opened(f"{root}/a.csv") as data:
        [path] = data.objects
        with pytest.raises(UserError, match=rf"^{root}/a\.csv, row 3: broken$"), data.named():
            raise UserError(f"{path}, row 3: broken")


def test_content_that_is_not_that_of_its_digest_is_refused(root, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("one")
    bucket_objects.write(str(path), f"{root}/a.csv", "0" * 64, None)
    with (
        opened(f"{root}/a.csv") as data,
        pytest.raises(ChangedError, match="is not that of its digest 000"),
    ):
        data.fill()


def test_a_bucket_that_refuses_is_an_error_with_its_remedy(gcs):
    gcs.denied = "bucket-of-others"
    with (
        pytest.raises(ResourceError, match=r"gs://bucket-of-others/x: permission denied: let this account list, read"),
        opened("gs://bucket-of-others/x/*.csv"),
    ):
        pass


@pytest.mark.parametrize(
    ("paths", "content", "is_read"),
    [
        ("gs://bucket/x.csv", "", True),
        ("gs://bucket/x.csv", "bucket-0a", True),
        ("gs://bucket/x.csv", "0a", False),
        (["gs://bucket/x.csv", "data/x.csv"], "", False),
        ("ram://bucket/x.csv", "", False),
        ("/data/x.csv", "", False),
    ],
)
def test_data_of_this_machine_and_of_beam_is_left_alone(gcs, paths, content, is_read):
    buckets.write("gs://bucket/x.csv", b"1")
    with bucket_data.of_job(paths, Data(path="x"), content) as data:
        assert (data is not None) == is_read
