import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.ingestion.discovery import data_files, opening
from components.ingestion.omissions import Omissions
from errors import UserError
from spec.data import Data

REPOSITORY = Path(__file__).parents[2]
SETTINGS = Data(path="x")


@pytest.fixture
def folder(tmp_path):
    for name in ("b.csv", "a.csv", "README.md", ".hidden.csv", "_SUCCESS", "LICENSE"):
        (tmp_path / name).write_text(name)
    return tmp_path


def names(files):
    return [file.path.rsplit("/", 1)[1] for file in files]


def test_a_pattern_finds_its_files_in_order_without_what_stands_beside_them(folder):
    assert names(data_files.resolve(f"{folder}/*", SETTINGS)) == ["a.csv", "b.csv"]
    assert names(data_files.resolve([f"{folder}/b.csv", f"{folder}/a*"], SETTINGS)) == ["b.csv", "a.csv"]
    assert names(data_files.resolve(str(folder), SETTINGS)) == ["a.csv", "b.csv"]
    assert names(data_files.resolve(f"{folder}/README.md", SETTINGS)) == ["README.md"], "as it is asked for"


@pytest.mark.parametrize(
    "name",
    ["licenses_2024.csv", "license_plates.txt", "notice_periods.csv", "readme_counts.parquet", "changelog_1.tsv"],
)
def test_a_name_that_begins_as_that_of_documentation_is_data(folder, name):
    (folder / name).write_text("a")

    assert name in names(data_files.resolve(str(folder), SETTINGS))
    assert name in names(data_files.resolve(f"{folder}/*", SETTINGS))


@pytest.mark.parametrize(
    "name",
    ["README", "readme.txt", "ReadMe.en.md", "LICENSE-MIT", "LICENSE.txt", "COPYING", "notice.html", "CITATION.cff"],
)
def test_documentation_is_skipped_and_counted(folder, name):
    (folder / name).write_text("a")
    omissions = Omissions()

    assert name not in names(data_files.resolve(str(folder), SETTINGS, omissions))
    assert any(line.startswith("skipped") and "documentation" in line and name in line for line in omissions.lines())


def test_what_a_folder_holds_beside_data_is_counted_and_named(folder):
    (folder / "older").mkdir()
    (folder / "Thumbs.db").write_text("")
    os.symlink(folder / "gone.csv", folder / "c.csv")
    omissions = Omissions()
    data_files.resolve(str(folder), SETTINGS, omissions)

    assert sorted(omissions.lines()) == [
        "skipped 1 file: a device, pipe, socket or broken link (c.csv)",
        "skipped 1 file: hidden (.hidden.csv)",
        "skipped 1 folder: a folder among data files: add it to data.path to read it too (older)",
        "skipped 2 files: documentation (LICENSE, README.md)",
        "skipped 2 files: written by a system or a tool, no data (Thumbs.db, _SUCCESS)",
    ]


def test_files_of_ready_made_splits_carry_their_split(folder):
    files = data_files.resolve({"train": [f"{folder}/a.csv"], "test": f"{folder}/b.csv"}, SETTINGS)

    assert [(file.split, name) for file, name in zip(files, names(files), strict=True)] == [
        ("train", "a.csv"),
        ("test", "b.csv"),
    ]


def test_a_pattern_without_a_file_is_named(folder):
    with pytest.raises(UserError, match=r"^data\.path: there is no file .*/c\*\.csv\. Put it there, or fix the path"):
        data_files.resolve([f"{folder}/a.csv", f"{folder}/c*.csv"], SETTINGS)


def test_a_file_that_is_named_twice_is_refused(folder):
    with pytest.raises(UserError, match=r"data\.path names \S*/a\.csv twice"):
        data_files.resolve([f"{folder}/a.csv", f"{folder}/*.csv"], SETTINGS)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.csv")).write_text("a\n1\n")
    settings = Data(path="not read")
    with pytest.raises(UserError, match=r"^data\.path: the name of '.*/x\\udcff\.csv' is not UTF-8: rename the file$"):
        data_files.resolve(f"{tmp_path}/*.csv", settings)


def test_paths_are_put_under_the_data_root():
    assert data_files.under("/data", "a.csv") == "/data/a.csv"
    assert data_files.under("gs://bucket/x", ("a", "b*")) == ["gs://bucket/x/a", "gs://bucket/x/b*"]
    assert data_files.under("/data", {"train": ("a",), "test": "gs://b/c"}) == {
        "train": ["/data/a"],
        "test": "gs://b/c",
    }
    assert data_files.under("", "data/a.csv") == "data/a.csv"


def test_the_digest_notices_every_files_name_content_and_split(folder):
    def digest(paths):
        return data_files.content(data_files.resolve(paths, SETTINGS))

    before = digest(f"{folder}/*.csv")
    assert digest(f"{folder}/*.csv") == before
    (folder / "c.csv").write_text("new")
    three = digest(f"{folder}/*.csv")
    (folder / "c.csv").write_text("now")
    edited = digest(f"{folder}/*.csv")
    (folder / "c.csv").rename(folder / "d.csv")
    renamed = digest(f"{folder}/*.csv")
    split = digest({"train": f"{folder}/*.csv"})
    assert len({before, three, edited, renamed, split}) == 5


def test_the_digest_notices_an_image_that_changes_its_class(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "1.png").write_text("an image")

    def digest(root):
        files = data_files.resolve(str(root), SETTINGS)
        assert [file.path for file in files] == [str(root)]
        return data_files.content(files)

    before = digest(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "1.png").rename(tmp_path / "pets" / "dog" / "1.png")
    assert digest(tmp_path / "pets") != before


def test_the_digest_follows_links_and_ignores_what_is_not_a_file(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "1.png").write_text("an image")
    os.symlink(tmp_path / "birds", tmp_path / "pets" / "bird")
    os.symlink(tmp_path / "gone", tmp_path / "pets" / "cat" / "2.png")
    os.symlink(tmp_path / "pets", tmp_path / "pets" / "dog" / "above")
    os.mkfifo(tmp_path / "pets" / "dog" / "3.png")
    before = data_files.content(data_files.resolve(str(tmp_path / "pets"), SETTINGS))
    (tmp_path / "birds" / "1.png").write_text("another")

    assert data_files.content(data_files.resolve(str(tmp_path / "pets"), SETTINGS)) != before


ABANDONED = """
import sys
from components.ingestion.readers import csv as csv_source
from spec.data import Data

csv_source.BLOCK_BYTES = 65536
settings = Data(path=sys.argv[1])
for _ in range(1000):
    batches = csv_source.batches(sys.argv[1], settings, {"a": "INT", "b": "INT"})
    next(batches)
    batches.close()
"""


def test_a_reader_that_is_left_in_the_middle_never_hangs(tmp_path):
    """With a file of Python's own one of 600 did."""
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "".join(f"{row},{row % 9999}\n" for row in range(200_000)))

    process = subprocess.run([sys.executable, "-c", ABANDONED, str(path)], timeout=100, cwd=REPOSITORY)

    assert process.returncode == 0


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_a_remote_file_is_read_from_a_copy_that_goes_again(tmp_path, monkeypatch, name):
    table = b"a,b\n1,2\n"
    (tmp_path / name).write_bytes(gzip.compress(table) if name.endswith(".gz") else table)
    monkeypatch.setattr(opening, "is_remote", lambda path: path.startswith("there://"))
    monkeypatch.setattr(opening, "open_binary", lambda path: (tmp_path / path.removeprefix("there://")).open("rb"))
    monkeypatch.setattr(opening.tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()

    with opening.open_arrow(f"there://{name}") as stream:
        assert len(list((tmp_path / "scratch").iterdir())) == 1
        assert stream.read() == table
    assert list((tmp_path / "scratch").iterdir()) == []


def linked(tmp_path):
    """A folder of images, one class of which is a link to a folder elsewhere, which links back."""
    for folder in ("elsewhere/inner", "pets/cat"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1.png").write_text("an image")
    (tmp_path / "pets/dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/up").symlink_to(tmp_path / "pets")
    return tmp_path / "pets"


def test_files_behind_a_linked_folder_are_found_once(tmp_path):
    paths = opening.within(str(linked(tmp_path)))
    assert [os.path.relpath(path, tmp_path / "pets") for path in paths] == ["cat/1.png", "dog/inner/1.png"]
    (tmp_path / "pets/hound").symlink_to(tmp_path / "elsewhere")
    assert len(opening.within(str(tmp_path / "pets"))) == 3, "two names of one folder"


def test_the_digest_notices_an_edit_behind_a_linked_folder(tmp_path):
    def digest():
        return data_files.content(data_files.resolve(str(linked_folder), SETTINGS))

    linked_folder = linked(tmp_path)
    before = digest()
    (tmp_path / "elsewhere/inner/1.png").write_text("another")
    edited = digest()
    (tmp_path / "other/inner").mkdir(parents=True)
    (tmp_path / "pets/dog").unlink()
    (tmp_path / "pets/dog").symlink_to(tmp_path / "other")
    assert len({before, edited, digest()}) == 3


def test_the_digest_notices_the_labels_of_idx_images(tmp_path):
    def digest():
        return data_files.content(data_files.resolve(f"{tmp_path}/train-images-idx3-ubyte", SETTINGS))

    (tmp_path / "train-images-idx3-ubyte").write_text("images")
    (tmp_path / "train-labels-idx1-ubyte").write_text("labels")
    before = digest()
    (tmp_path / "train-labels-idx1-ubyte").write_text("others")
    assert digest() != before


def test_the_digest_notices_a_folder_that_is_renamed_to_another_span(tmp_path):
    def digest():
        return data_files.content(data_files.resolve(f"{tmp_path}/{{YYYY}}-{{MM}}/sales.csv", SETTINGS))

    (tmp_path / "2024-05").mkdir()
    (tmp_path / "2024-05/sales.csv").write_text("a\n1\n")
    before = digest()
    (tmp_path / "2024-05").rename(tmp_path / "2024-06")
    assert digest() != before


def test_the_order_in_which_a_config_names_splits_does_not_matter(folder):
    paths = {"train": f"{folder}/a.csv", "eval": f"{folder}/b.csv", "test": [f"{folder}/README.md"]}
    reordered = dict(reversed(paths.items()))

    assert data_files.resolve(paths, SETTINGS) == data_files.resolve(reordered, SETTINGS)
    assert data_files.content(data_files.resolve(paths, SETTINGS)) == data_files.content(
        data_files.resolve(reordered, SETTINGS)
    )
