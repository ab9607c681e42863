"""Data files in buckets: found, opened in place, copied to this machine, proposed for and checked like local ones."""

import glob
import io
import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import buckets
from components.ingestion import sources
from components.ingestion.discovery import bucket_files, data_files
from curation import new_config
from curation.look.object_copies import BucketSource
from errors import ResourceError, UserError
from pipeline import load, query_config
from pipeline.variants import Name
from spec.data import Data

NUMBERS = itertools.count()
ROWS = "".join(f"{40 + row % 57},{'Bern' if row % 3 else 'Chur'},{1000 + row * 7 % 400}\n" for row in range(200))
TABLE = f"area,city,rent\n{ROWS}"


@pytest.fixture(params=["gs", "s3"])
def home(request):
    request.getfixturevalue("gcs" if request.param == "gs" else "s3")
    return f"{request.param}://bucket/files-{next(NUMBERS)}"


def parquet():
    buffer = io.BytesIO()
    pq.write_table(pa.table({"area": list(range(50)), "rent": [1.5] * 50}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "pattern", ["*.csv", "a?.csv", "**/*.csv", "b[12].csv", "b[!1].csv", "*/c.csv", "none*", "(x).*"]
)
def test_a_pattern_matches_objects_as_it_matches_files(s3, tmp_path, pattern):
    names = ["a1.csv", "a12.csv", "b1.csv", "b2.csv", "in/c.csv", "in/deep/c.csv", "(x).csv", "a1xcsv"]
    home = f"s3://bucket/files-{next(NUMBERS)}"
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        buckets.write(f"{home}/{name}", b"x")
    files = sorted(path[len(str(tmp_path)) :] for path in glob.glob(f"{tmp_path}/{pattern}", recursive=True))

    assert [path[len(home) :] for path in data_files.matching(f"{home}/{pattern}")] == files


@pytest.mark.parametrize(("name", "content"), [("t.csv", TABLE.encode()), ("t.parquet", parquet())])
def test_an_object_is_read_in_place(home, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    buckets.write(f"{home}/{name}", content)
    data = Data(path="x")

    bucket_batches, local_batches = (
        list(sources.batches(path, data, {})) for path in (f"{home}/{name}", str(tmp_path / name))
    )
    assert bucket_batches == local_batches
    assert bucket_batches


def test_any_part_of_an_object_can_be_read(home):
    content = bytes(range(256)) * 9000
    buckets.write(f"{home}/bytes", content)
    with bucket_files.opened(f"{home}/bytes") as file:
        assert file.read(3) == content[:3]
        assert file.seek(-5, io.SEEK_END) == len(content) - 5
        assert file.read() == content[-5:]
        assert file.read() == b""
        file.seek(10)
        assert file.read() == content[10:]


def test_only_what_changed_is_copied_and_what_is_gone_is_removed(home, tmp_path):
    for name in ("a.csv", "b.csv", "other.txt"):
        buckets.write(f"{home}/{name}", name.encode())
    folder = str(tmp_path / "copies")
    first_copy = bucket_files.copied(f"{home}/*.csv", folder)
    assert (first_copy.files, first_copy.fetched) == (2, 2)
    assert [file.path for file in data_files.resolve(first_copy.paths, Data(path="x"))] == [
        f"{folder}/{home.replace('://', '/')}/{name}" for name in ("a.csv", "b.csv")
    ]
    buckets.write(f"{home}/a.csv", b"A.csv")
    buckets.remove(f"{home}/b.csv")
    buckets.write(f"{home}/c.csv", b"c.csv")

    second_copy = bucket_files.copied(f"{home}/*.csv", folder)
    assert (second_copy.files, second_copy.fetched) == (2, 2)
    contents = [Path(path).read_text() for path in sorted(glob.glob(str(second_copy.paths)))]
    assert contents == ["A.csv", "c.csv"]
    assert bucket_files.copied(f"{home}/*.csv", folder).fetched == 0


def test_the_digest_of_data_in_a_bucket_changes_with_it(home):
    buckets.write(f"{home}/a.csv", b"one")
    files = data_files.resolve(f"{home}/a.csv", Data(path="x"))
    digest = data_files.content(files)
    assert data_files.content(files) == digest
    buckets.write(f"{home}/a.csv", b"two")
    assert data_files.content(files) != digest


def test_an_object_whose_name_leads_out_of_the_folder_is_refused(gcs, tmp_path):
    gcs.put("bucket", "data/../../x.csv", b"x")
    with pytest.raises(ResourceError, match=r"invalid path: .*data/\.\./\.\./x\.csv"):
        bucket_files.copied("gs://bucket/data/**", str(tmp_path))
    assert not list(tmp_path.rglob("x.csv"))


def test_what_is_not_there_is_named(gcs, tmp_path):
    with pytest.raises(UserError, match=r"^data\.path: there is no object gs://bucket/none\.csv"):
        bucket_files.copied("gs://bucket/none.csv", str(tmp_path))
    gcs.denied = "shut"
    with pytest.raises(ResourceError, match=r"^data\.path: gs://shut.*: permission denied"):
        bucket_files.copied("gs://shut/x.csv", str(tmp_path))
    with pytest.raises(ResourceError, match=r"^data\.path: gs://shut.*: permission denied"):
        data_files.resolve("gs://shut/x.csv", Data(path="x"))


def proposed(tmp_path, address, **options):
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir(exist_ok=True)
    source = BucketSource(address, str(tmp_path / "runs/made/objects"))
    return new_config.new(str(tmp_path), "made", source, **options)


def test_new_names_the_address_and_what_reads_the_config_gets_its_copy(home, tmp_path):
    buckets.write(f"{home}/t.csv", TABLE.replace(",", ";").encode())
    proposal = proposed(tmp_path, f"{home}/t.csv", label="rent")

    assert f'path = "{home}/t.csv"' in proposal.config
    assert "delimiter" in proposal.config
    assert proposal.findings[0].startswith(f"{home}/t.csv: csv, 200 rows")
    assert str(tmp_path) not in proposal.config + proposal.schema + "".join(proposal.findings)
    config = load.reviewed(str(tmp_path), Name("made")).config
    settled, copies = query_config.settle(config, str(tmp_path), str(tmp_path / "runs/made/queries"))
    assert (copies.text, copies.where) == ("1 objects, 0 of them copied now", f"{home}/t.csv")
    assert str(settled.data.path).startswith(str(tmp_path))


def test_folders_of_classes_and_of_splits_are_read_from_a_bucket(home, tmp_path):
    for split, name, number in itertools.product(("train", "test"), ("up", "down"), range(8)):
        buffer = io.BytesIO()
        Image.new("L", (8, 8), number * 20 + 90 * (name == "up")).save(buffer, "PNG")
        buckets.write(f"{home}/{split}/{name}/{number}.png", buffer.getvalue())
    proposal = proposed(tmp_path, home)

    assert f'train = "{home}/train"' in proposal.config
    assert f'test = "{home}/test"' in proposal.config
    assert "outside the project" not in proposal.config


def test_a_fault_of_the_data_names_the_object(home, tmp_path):
    buckets.write(f"{home}/t.csv", b"a,b\n")
    with pytest.raises(UserError, match=f"^{home}/t.csv"):
        proposed(tmp_path, f"{home}/t.csv")
