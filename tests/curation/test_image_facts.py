"""Folders of images that no config knows: `new`, and the schema's loop."""

import pytest

from components.ingestion.omissions import Omissions
from curation import new_config, schema_review
from curation.look import reading
from errors import UserError
from pipeline import load
from pipeline.variants import Name

from ..picture_files import classes, encoded, folder, noise, turned


@pytest.fixture
def root(tmp_path):
    """A repository without pipelines."""
    for name in ("configs", "schemas", "data"):
        (tmp_path / name).mkdir()
    return tmp_path


def propose(root, **keys):
    """Proposes for data/photos, and reads what was written as a run does."""
    proposal = new_config.new(str(root), "made", str(root / "data" / "photos"), force=True, **keys)
    return proposal, load.reviewed(str(root), Name("made"))


def test_classes_that_are_named_by_digits_are_texts(root):
    classes(root / "data" / "photos", names=tuple("0123456789"))
    _, reviewed = propose(root)

    assert reviewed.columns == {"image": "BYTES", "label": "BYTES", "file": "BYTES"}
    assert reviewed.config.label.classes == tuple("0123456789")
    assert schema_review.diff(schema_review.Choice(root=str(root), name="made", data_root=str(root))) == []


@pytest.mark.parametrize("splits", [("train", "val", "test"), ("Training", "testing"), ()])
def test_the_path_of_an_image_names_it_and_never_is_a_feature(root, splits):
    for name in splits or ("",):
        classes(root / "data" / "photos" / name)
    proposal, reviewed = propose(root)

    assert reviewed.config.columns.id == "file"
    assert reviewed.config.features.columns() == ("image",)
    assert "file identifies rows: [columns] id, not a feature" in proposal.findings
    with pytest.raises(
        UserError, match="--label 'file': this is the path of the image file, whose folder is the class"
    ):
        propose(root, label="file")


READY = "data/photos"


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (("train", "val", "test"), {"train": f"{READY}/train", "eval": f"{READY}/val", "test": f"{READY}/test"}),
        (("TRAIN", "dev", "Testing"), {"train": f"{READY}/TRAIN", "eval": f"{READY}/dev", "test": f"{READY}/Testing"}),
        (("training", "validation"), {"train": f"{READY}/training", "test": f"{READY}/validation"}),
        (
            ("train_1", "train_2", "test"),
            {"train": [f"{READY}/train_1", f"{READY}/train_2"], "test": f"{READY}/test"},
        ),
        (("train", "testers"), READY),
    ],
)
def test_folders_of_splits_are_found_by_their_names(root, names, path):
    for name in names:
        classes(root / READY / name)
    data = reading.read(str(root / READY), str(root))

    assert data.values["path"] == path
    if "validation" in names:
        assert data.findings == ("there is no test split: validation is the test split, and eval is cut out of train",)


def test_a_test_folder_without_classes_has_no_labels_and_is_left_out(root):
    classes(root / READY / "train")
    folder(root / READY / "test", {f"{number}.png": encoded(noise(number), "PNG") for number in range(3)})
    (root / READY / "extra").mkdir()
    proposal, reviewed = propose(root)

    assert reviewed.config.data.path == f"{READY}/train"
    assert "test is skipped: its images are not in class folders, so they have no labels" in proposal.findings
    assert "skipped, because the names contain no split: extra" in proposal.findings


def test_trains_and_tests_are_classes_where_images_lie_in_them(root):
    classes(root / READY, names=("train", "test", "val"))

    assert propose(root)[1].config.label.classes == ("test", "train", "val")


def test_a_table_beside_two_classes_does_not_hide_the_images(root):
    folder(classes(root / READY), {"classes.txt": b"cat\ndog\n", "labels.csv": b"a,b\n1,2\n"})
    _, reviewed = propose(root)
    omissions = Omissions()
    schema_review.diff(schema_review.Choice(root=str(root), name="made", data_root=str(root)), omissions)

    assert set(reviewed.columns) == {"image", "label", "file"}
    assert omissions.lines() == ["skipped 2 files: not in the folder of a class (classes.txt, labels.csv)"]


def test_sizes_are_those_of_upright_pictures_and_grey_palettes_are_grey(root):
    files_by_path = {f"cat/{number}.jpg": turned(6) for number in range(3)}
    grey = noise().convert("L").convert("P")
    data = reading.read(
        str(folder(root / READY, {**files_by_path, "dog/1.png": encoded(noise(), "PNG")})), str(root)
    ).pictures
    assert (data.height, data.width, data.channels) == (16, 12, 3)
    shades = folder(root / "data" / "grey", {"a/1.png": encoded(grey, "PNG"), "b/1.png": encoded(grey, "PNG")})

    assert reading.read(str(shades), str(root)).pictures.channels == 1


def test_equal_images_of_several_classes_are_named(root):
    folder(classes(root / READY), {"dog/same.png": encoded(noise(0), "PNG"), "cat/again.png": encoded(noise(0), "PNG")})
    proposal, _ = propose(root)

    assert (
        "3 images are identical to an image of another class, such as cat/0.png and cat/again.png: "
        "at least one label of each is wrong"
    ) in proposal.findings


@pytest.mark.parametrize("named", ["data/flat", "data/flat/0.png", "data/flat/*.png", "data/flat/*"])
def test_images_without_folders_of_classes_are_answered_with_what_is_needed(root, named):
    folder(root / "data" / "flat", {f"{number}.png": encoded(noise(number), "PNG") for number in range(3)})
    with pytest.raises(
        UserError, match=r"flat/0\.png is an image: data is a folder that holds a folder for each class"
    ):
        reading.read(str(root / named), str(root))


def test_one_class_is_answered_with_the_folders_that_may_be_the_classes(root):
    classes(root / "data" / "unpacked" / "photos")
    with pytest.raises(UserError, match=r"holds one class, 'photos': .*; if cat, dog are the classes, name .*/photos"):
        reading.read(str(root / "data" / "unpacked"), str(root))
    classes(root / "data" / "hidden", names=("cat", ".dog"))
    with pytest.raises(UserError, match=r"holds one class, 'cat': .*; skipped 1 folder: hidden \(\.dog\)$"):
        reading.read(str(root / "data" / "hidden"), str(root))
    classes(root / "data" / "all", names=(".cat", ".dog"))
    with pytest.raises(UserError, match=r"/all holds no data; skipped 2 folders: hidden \(\.cat, \.dog\)\. Rename"):
        reading.read(str(root / "data" / "all"), str(root))
    classes(root / "data" / "one", names=("cat",))
    with pytest.raises(UserError, match=r"holds one class, 'cat': two are needed to tell apart$"):
        reading.read(str(root / "data" / "one"), str(root))


def test_the_schemas_loop_works_on_images_and_leaves_out_broken_ones(root):
    classes(root / READY)
    propose(root)
    classes(root / READY, names=("bird",))
    (root / READY / "bird" / "0.png").write_bytes(b"<html>")
    [refusal, warning] = schema_review.diff(schema_review.Choice(root=str(root), name="made", data_root=str(root)))

    assert refusal.stops
    assert refusal.text.startswith("1 new value: 'bird'")
    assert warning.text.startswith(
        "5 of 17 rows have the value 'bird', which is not in label.classes, and would count as 'cat'"
    )
    schema_review.propose(schema_review.Choice(root=str(root), name="made", data_root=str(root)))
    proposed = (root / "schemas" / "made.proposed.pbtxt").read_text()
    assert proposed.count("type: BYTES") == 3
    assert 'value: "bird"' in proposed


def test_a_schema_may_take_digits_as_numbers(root):
    classes(root / READY, names=("0", "1", "2"))
    propose(root)
    schema = root / "schemas" / "made.pbtxt"
    schema.write_text(
        schema.read_text().replace('"label"\n  type: BYTES', '"label"\n  type: INT').replace('  domain: "label"\n', "")
    )

    assert schema_review.diff(schema_review.Choice(root=str(root), name="made", data_root=str(root))) == []
    (root / READY / "2").rename(root / READY / "two")
    assert schema_review.diff(schema_review.Choice(root=str(root), name="made", data_root=str(root)))[
        0
    ].text.startswith("the schema says INT, the data is BYTES")
