"""Which files of a folder of classes are images, and how the others are reported."""

import csv
import os
import subprocess
import sys

import pytest

from components.ingestion.discovery import image_folders
from components.ingestion.omissions import Omissions
from errors import UserError

from ..picture_files import HEIC, classes, encoded, folder, noise


@pytest.fixture
def survey(tmp_path):
    """Surveys the folder; names by class, and lines on the rest."""

    def run():
        omissions = Omissions()
        images = image_folders.survey(str(tmp_path), omissions)
        return images, omissions.lines()

    return run


PNG, JPEG, WEBP = (encoded(noise(), kind) for kind in ("PNG", "JPEG", "WEBP"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((f"x{ending}", PNG) for ending in (".png", ".jpg", ".WEBP", ".tiff", ".avif", ".jfif", ".pgm")),
        ("named otherwise.png", JPEG),
        ("without", PNG),
        ("x.data", JPEG),
        ("x.1", WEBP),
        ("x.bin", encoded(noise(), "BMP")),
        ("x.img", encoded(noise(), "GIF")),
        ("x.raw", encoded(noise(), "TIFF")),
        ("x", encoded(noise(), "AVIF")),
        ("license_plate_12.png", PNG),
        ("readme", PNG[:0]),
    ][:-1],
)
def test_a_file_is_an_image_by_its_name_or_its_first_bytes(survey, tmp_path, name, content):
    classes(tmp_path)
    (tmp_path / "dog" / name).write_bytes(content)
    images, lines = survey()

    assert f"dog/{name}" in images["dog"]
    assert lines == []


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("cat/.x.png", PNG, "skipped 1 file: hidden (cat/.x.png)"),
        (".cache/x.png", PNG, "skipped 1 folder: hidden (.cache)"),
        ("cat/Thumbs.db", b"x", "skipped 1 file: written by a system or a tool, no data (cat/Thumbs.db)"),
        ("__MACOSX/cat/._x.png", b"x", "skipped 1 folder: written by a system or a tool, no data (__MACOSX)"),
        ("README.txt", b"x", "skipped 1 file: documentation (README.txt)"),
        ("cat/notes.txt", b"x", "skipped 1 file: no image (cat/notes.txt)"),
        ("cat/page.html", b"<html>", "skipped 1 file: no image (cat/page.html)"),
        ("cat/none", b"", "skipped 1 file: empty (cat/none)"),
        ("loose.png", PNG, "skipped 1 file: not in the folder of a class (loose.png)"),
        ("labels.csv", b"a,b", "skipped 1 file: not in the folder of a class (labels.csv)"),
        (
            "cat/x.heic",
            HEIC,
            "skipped 1 file: HEIC is not read: convert it, as with `magick mogrify -format png *.heic` (cat/x.heic)",
        ),
        (
            "cat/x.NEF",
            b"II*\0",
            "skipped 1 file: a camera's raw format is not read: convert it, as with `magick mogrify -format png *.nef` "
            "(cat/x.NEF)",
        ),
        (
            "cat/photo",
            HEIC,
            "skipped 1 file: HEIC is not read: convert it, as with `magick mogrify -format png *` (cat/photo)",
        ),
        ("cat/deep/x.png", PNG, "read 1 folder: within the folder of a class, so of that class (cat/deep)"),
    ],
)
def test_skipped_files_are_counted_and_named(survey, tmp_path, name, content, line):
    folder(classes(tmp_path), {name: content})
    images, lines = survey()

    assert lines == [line]
    assert list(images) == ["cat", "dog"]
    assert (name in images["cat"]) == line.startswith("read")


def test_links_are_followed_and_no_folder_is_entered_within_itself(survey, tmp_path):
    classes(tmp_path)
    elsewhere = classes(tmp_path.parent / "elsewhere", names=("bird",))
    os.symlink(elsewhere / "bird", tmp_path / "bird")
    os.symlink(elsewhere / "bird" / "1.png", tmp_path / "cat" / "linked.png")
    os.symlink(tmp_path, tmp_path / "dog" / "above")
    os.mkfifo(tmp_path / "dog" / "pipe.png")
    images, lines = survey()

    assert images["bird"] == [f"bird/{number}.png" for number in range(6)]
    assert "cat/linked.png" in images["cat"]
    assert lines == [
        "skipped 1 folder: a link to a folder above it (dog/above)",
        "skipped 1 file: a device, a pipe or a socket (dog/pipe.png)",
    ]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"bird/1.heic": HEIC, "bird/2.heic": HEIC}, r"2 files: HEIC is not read: convert it, .*\*\.heic`"),
        ({"bird/notes.txt": b"x"}, "1 file: no image"),
        ({"bird/.DS_Store": b"x"}, "its folder is empty, or holds hidden files alone"),
    ],
)
def test_a_class_that_ends_up_empty_stops(survey, tmp_path, files, reason):
    folder(classes(tmp_path), files)
    with pytest.raises(
        UserError, match=rf"no image of class 'bird' can be read: {reason}\. Convert or replace its files"
    ):
        survey()


def test_the_error_of_a_folder_without_images_lists_its_content(survey, tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "photo.png").write_bytes(PNG)
    with pytest.raises(
        UserError, match=r"holds no images .*skipped 1 file: not in the folder of a class \(photo\.png\)"
    ):
        survey()


def test_folders_of_texts_are_told_as_texts_with_a_command_that_writes_the_table(survey, tmp_path):
    for name, text in (("good/1.txt", "a fine film"), ("bad/1.txt", 'dull, "long"'), ("bad/2.HTML", "zwölf\nZeilen")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"Texts \(\*\.HTML or \*\.txt\) are read from a table") as error:
        survey()

    command = str(error.value).partition("`")[2].rpartition("`")[0]
    subprocess.run(command.replace("python", sys.executable, 1), shell=True, check=True, cwd=tmp_path)
    with open(tmp_path / "texts.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [["text", "label"], ['dull, "long"', "bad"], ["zwölf\nZeilen", "bad"], ["a fine film", "good"]]


@pytest.mark.parametrize("other", ["bad/text.pdf", "bad/table.csv"])
def test_texts_beside_other_files_are_no_folders_of_texts(survey, tmp_path, other):
    for name in ("good/1.txt", "bad/1.txt", other):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(UserError, match="Put a folder for each class into it, and images into these"):
        survey()


def test_folders_that_are_splits_are_no_classes(survey, tmp_path):
    for name in ("train", "val", "testing"):
        classes(tmp_path / name)
    with pytest.raises(UserError, match=r'are splits and no classes: write path = \{.*train = ".*/train"') as caught:
        survey()
    assert f'eval = "{tmp_path}/val"' in str(caught.value)


def test_trains_and_tests_may_be_classes(survey, tmp_path):
    classes(tmp_path, names=("train", "test"))

    assert list(survey()[0]) == ["test", "train"]
