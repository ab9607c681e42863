"""Preflight of a folder of images."""

import pytest

from components.ingestion.omissions import Omissions
from curation import schema_review
from orchestration import preflight
from pipeline.variants import Name

from .. import picture_files
from ..picture_files import HEIC, classes, encoded, folder, noise


@pytest.fixture
def photos(flats):
    """A small repository whose data is six images of each of two classes; its root is the folder of images."""
    flats.config(picture_files.CONFIG)
    flats.schema(picture_files.SCHEMA)
    flats.photos = classes(flats.root / "data" / "photos")
    return flats


def test_images_of_the_listed_classes_pass(photos):
    assert photos.errors() == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("[features]", '[features]\ntext = [{column = "file", missing = ""}]'),
        ('id = "file"\n', ""),
        ('column = "label"', 'column = "file"'),
    ],
    ids=["a feature", "read by a function of your own", "the label"],
)
def test_a_model_that_reads_the_path_of_an_image_is_rejected(photos, monkeypatch, right, wrong):
    assert right in picture_files.CONFIG
    config = picture_files.CONFIG.replace(right, wrong)
    if not wrong:
        # A function of your own reads every column that has no duty.
        config = 'preprocessing = "models.transform_graph.preprocessing.preprocessing_fn"\n' + config.replace(
            "image = [{height = 4, width = 4, channels = 3}]", ""
        )
    photos.config(config)
    lines = [line for line in photos.errors() if "'file'" in line and "model would read" in line]

    assert lines == [
        "configs/flats.toml: the model would read 'file', the path of each image, whose folder is the class: the "
        "label would leak. Write id = \"file\" under [columns], and remove 'file' from [features] and [label]"
    ]


def test_an_unlisted_class_is_reported_with_the_edits_unless_the_gate_only_warns(photos):
    classes(photos.photos, names=("bird",), count=4)
    [finding] = photos.errors()

    assert finding == (
        f"{photos.photos}: the label 'label': 4 of 16 rows have the value 'bird', which is not in label.classes, and "
        'would have no class; to accept it: add "bird" to label.classes in the config; or skip such rows with '
        "data.exclude = [\"label = 'bird'\"]"
    )
    assert photos.errors("data.exclude=[\"label = 'bird'\"]") == []
    assert photos.errors("gates.label=warn") == []


def test_a_class_without_a_folder_is_reported(photos):
    [finding] = photos.errors("label.classes=['cat', 'dog', 'fox']")

    assert finding.endswith(
        "class 'fox' of label.classes has no rows: remove it from label.classes in the config, or add rows "
        "of it to the data"
    )


def test_all_unreadable_files_and_empty_classes_are_reported_together(photos):
    folder(photos.photos, {"cat/5.png": b"", "dog/4.png": b"<html>", "dog/5.png": HEIC})
    findings = photos.errors()

    assert [line.partition(" cannot be read as an image: ")[0].rpartition("/photos/")[2] for line in findings[:3]] == [
        "cat/5.png",
        "dog/4.png",
        "dog/5.png",
    ]
    assert findings[3].endswith("or write data.image.max_broken = 0.25 to leave them out")
    assert photos.errors("data.image.max_broken=0.25") == []
    folder(photos.photos, {"fox/1.heic": HEIC})
    assert "no image of class 'fox' can be read: 1 file: HEIC is not read" in photos.errors()[0]


def test_skipped_files_are_reported_with_the_data(photos):
    folder(photos.photos, {"cat/.DS_Store": b"x", "cat/notes.txt": b"x"})
    report = preflight.look(Name("flats"), (), root=str(photos.runs), data_root=str(photos.root))
    [data] = [check for check in report.checks if check.name == "data"]

    assert data.text.splitlines()[1:] == [
        "skipped 1 file: hidden (cat/.DS_Store)",
        "skipped 1 file: no image (cat/notes.txt)",
    ]


def test_doctor_and_schema_diff_list_the_same_skipped_converted_and_broken_files(photos):
    page = b"<html>"
    folder(photos.photos, {"cat/.DS_Store": b"x", "cat/7.webp": encoded(noise(50), "WEBP"), "dog/7.png": page})
    photos.config(picture_files.CONFIG.replace("[columns]", "image = {max_broken = 0.1}\n    [columns]"))
    report = preflight.look(Name("flats"), (), root=str(photos.runs), data_root=str(photos.root), rows="all")
    omissions = Omissions()
    choice = schema_review.Choice(root=str(photos.root), name="flats", data_root=str(photos.root))

    assert schema_review.diff(choice, omissions) == []
    assert sorted(report.omissions.lines()) == sorted(omissions.lines())
    assert sorted(omissions.lines()) == [
        "converted 1 file: WebP to PNG; a model is served PNG or JPEG, so convert such files there too (cat/7.webp)",
        "left out 1 file: it is not an image (dog/7.png)",
        "skipped 1 file: hidden (cat/.DS_Store)",
    ]


def test_a_schema_whose_type_differs_from_the_folder_names_is_reported(photos):
    photos.schema(picture_files.SCHEMA.replace('"label" type: BYTES', '"label" type: INT'))

    assert photos.errors("label.classes=[]") == [
        f"{photos.photos}: the schema says that label is INT, and the folder of a class is named 'cat': write type: "
        "BYTES for label in the schema"
    ]
