"""The client of buckets, against an S3 server and a Google Cloud Storage that pages its lists."""

import itertools
import threading

import pytest

import buckets

from .object_stores import request as send

NUMBERS = itertools.count()


@pytest.fixture(params=["gs", "s3", "minio"])
def home(request):
    request.getfixturevalue("gcs" if request.param == "gs" else "s3")
    return f"{request.param}://bucket/{request.param}-{next(NUMBERS)}"


def test_objects_are_written_read_listed_copied_and_removed(home, tmp_path):
    for name in ("a/one", "a/b/two", "a/b/c/three", "a/empty", "abc", "a/ü %2F+x"):
        buckets.write(f"{home}/{name}", name.encode())
    buckets.write(f"{home}/a/empty", b"")

    assert buckets.names(home) == ["a", "abc"]
    assert buckets.names(f"{home}/a/") == ["b", "empty", "one", "ü %2F+x"]
    assert buckets.files(f"{home}/a") == ["b/c/three", "b/two", "empty", "one", "ü %2F+x"]
    assert buckets.files(f"{home}/none") == buckets.names(f"{home}/none") == []
    assert buckets.read(f"{home}/a/b/two") == b"a/b/two"
    assert (buckets.exists(f"{home}/a"), buckets.exists(f"{home}/abc")) == (False, True)
    assert buckets.copy_folder(f"{home}/a", str(tmp_path / "here")) == buckets.files(f"{home}/a")
    assert (tmp_path / "here/b/c/three").read_text() == "a/b/c/three"
    buckets.copy_folder(f"{home}/a", f"{home}/copy")
    buckets.copy_folder(str(tmp_path / "here"), f"{home}/back")
    for copy in ("copy", "back"):
        assert [buckets.read(f"{home}/{copy}/{name}") for name in buckets.files(f"{home}/{copy}")] == [
            buckets.read(f"{home}/a/{name}") for name in buckets.files(f"{home}/a")
        ]
    for _ in range(2):
        buckets.remove(f"{home}/abc")
    assert buckets.names(home) == ["a", "back", "copy"]
    with pytest.raises(FileNotFoundError):
        buckets.read(f"{home}/abc")


def test_markers_of_folders_are_no_files(gcs, s3):
    for name in ("model/", "model/assets/", "model/variables/"):
        gcs.put("bucket", f"marked/{name}", b"")
        send(f"{s3}/bucket/marked/{name}", "PUT")
    for scheme in ("gs", "s3"):
        for name in ("saved_model.pb", "variables/index", "empty"):
            buckets.write(f"{scheme}://bucket/marked/model/{name}", b"" if name == "empty" else b"x")

        assert buckets.files(f"{scheme}://bucket/marked/model") == ["empty", "saved_model.pb", "variables/index"]
        assert buckets.names(f"{scheme}://bucket/marked/model") == ["assets", "empty", "saved_model.pb", "variables"]


def test_of_several_writers_of_a_new_object_one_succeeds(home):
    results = []

    def attempt(number):
        try:
            buckets.write(f"{home}/claim", str(number).encode(), new=True)
            results.append(number)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 1
    assert buckets.read(f"{home}/claim") == str(results[0]).encode()


def test_a_large_file_is_uploaded_in_parts_and_read_in_blocks(home, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * (buckets._BLOCK_BYTES // 256 + 5000))
    buckets.copy(str(path), f"{home}/large")
    buckets.copy(f"{home}/large", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    assert not (tmp_path / "back.partial").exists()


def test_requests_are_repeated_while_the_server_is_unavailable(gcs):
    gcs.faults.extend([503, 503, 429, 500])
    buckets.write("gs://bucket/x", b"1")
    gcs.faults.extend([503])
    assert buckets.read("gs://bucket/x") == b"1"
    assert buckets.files("gs://bucket") == ["x"]
    assert not gcs.faults


def test_a_server_that_stays_unavailable_is_an_error(gcs, monkeypatch):
    monkeypatch.setattr(buckets, "RETRIES", 1)
    buckets._store.cache_clear()
    gcs.faults.extend([503] * 9)
    with pytest.raises(buckets.BucketError, match=r"^gs://bucket/x: Generic GCS error: .*503 Service Unavailable"):
        buckets.write("gs://bucket/x", b"1")
    buckets._store.cache_clear()


def test_a_denied_permission_and_a_missing_bucket_are_named(gcs, s3):
    gcs.denied = "bucket-of-others"
    denied = r"^gs://bucket-of-others/x: permission denied: let this account .* of gs://bucket-of-others$"
    for action in (buckets.read, buckets.names, buckets.exists, lambda uri: buckets.write(uri, b"")):
        with pytest.raises(buckets.BucketError, match=denied):
            action("gs://bucket-of-others/x")
    for scheme in ("gs", "s3", "minio"):
        with pytest.raises(buckets.BucketError, match=rf"^{scheme}://none: this bucket does not exist: create it"):
            buckets.write(f"{scheme}://none/x", b"")


@pytest.mark.parametrize("uri", ["ftp://bucket/x", "gs://", "gs:///x", "s3://user:password@bucket/x", "gs:/bucket/x"])
def test_only_addresses_of_buckets_are_accepted(uri):
    with pytest.raises(buckets.BucketError, match="is not an address of a bucket: write gs://BUCKET/PATH"):
        buckets.read(uri)


def test_no_message_holds_a_secret(s3, monkeypatch):
    monkeypatch.setattr(buckets, "RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    buckets._store.cache_clear()
    with pytest.raises(buckets.BucketError) as caught:
        buckets.read("s3://bucket/x")
    buckets._store.cache_clear()
    assert "127.0.0.1:9" in str(caught.value)
    assert "canary" not in repr(caught.value)


def test_the_error_of_missing_google_credentials_names_the_command(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    buckets._store.cache_clear()
    with pytest.raises(buckets.BucketError, match=r"there are no Google credentials: run `gcloud auth application-def"):
        buckets.read("gs://bucket/x")
