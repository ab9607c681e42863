"""Folders of images up to the gates: classes, equal images on both sides, and what was skipped."""

import json
import re
from pathlib import Path

import pytest

from components import summary
from components.ingestion import omissions
from spec.file_names import OMISSIONS

from .. import picture_files
from ..picture_files import classes, encoded, folder, noise

FILES = [
    'data.path={train="data/photos/train", test="data/photos/test"}',
    'data.split={by="files", train=2, eval=1}',
]


@pytest.fixture
def photos(flats):
    """A small repository with ready-made splits of images."""
    flats.config(picture_files.CONFIG)
    flats.schema(picture_files.SCHEMA)
    classes(flats.root / "data" / "photos" / "train", count=8)
    test = flats.root / "data" / "photos" / "test"
    folder(test, {f"cat/{number}.png": encoded(noise(100 + number), "PNG") for number in range(3)})
    folder(test, {f"dog/{number}.png": encoded(noise(200 + number), "PNG") for number in range(3)})
    return flats


def test_equal_images_on_both_sides_are_named_whatever_they_are_called(photos, gated):
    train = photos.root / "data" / "photos" / "train" / "cat"
    (photos.root / "data" / "photos" / "test" / "cat" / "copy.png").write_bytes((train / "0.png").read_bytes())
    [finding] = gated.found(*FILES)

    assert finding["gate"] == "duplicates"
    assert "rows of eval and test" in finding["text"]
    assert finding["text"].endswith("; equal rows: 'cat/0.png' of train and 'cat/copy.png' of test")
    [blocked] = gated.found(*FILES, "gates.duplicates=block")
    places = {row["file"].rpartition("/photos/")[2]: row["line"] for row in blocked["rows"]}
    assert places == {"train/cat/0.png": None, "test/cat/copy.png": None}


def test_equal_images_are_seen_where_nothing_names_the_rows(photos, gated):
    images = photos.root / "data" / "photos" / "train" / "cat"
    for number in range(40):
        (images / f"copy {number}.png").write_bytes((images / "0.png").read_bytes())
    photos.config(picture_files.CONFIG.replace('[columns]\n    id = "file"', ""))
    gate_names = [entry["gate"] for entry in gated.found("data.path=data/photos/train")]

    assert gate_names == ["duplicates"]


def test_a_class_that_is_not_listed_stops_the_run_with_files_and_edit(photos, gated):
    classes(photos.root / "data" / "photos" / "train", names=("bird",), count=8)
    [finding] = [entry for entry in gated.found("data.path=data/photos/train") if entry["gate"] == "label"]

    assert finding["action"] == "block"
    assert (
        finding["text"] == "8 of 24 rows have the value 'bird', which is not in label.classes, and would have no class"
    )
    assert {Path(row["file"]).parent.name for row in finding["rows"]} == {"bird"}
    assert 'add "bird" to label.classes in the config' in finding["edit"]


def test_equal_images_under_several_labels_are_named(photos, gated):
    train = photos.root / "data" / "photos" / "train"
    (train / "dog" / "cat.png").write_bytes((train / "cat" / "1.png").read_bytes())
    [finding] = gated.found("data.path=data/photos/train", "gates.duplicates=off")

    assert (finding["gate"], finding["action"]) == ("contradictions", "warn")
    assert finding["text"].startswith("2 of 17 rows (11.76 %) have equal features but different labels, such as ")
    assert {"'cat/1.png'", "'dog/cat.png'"} == set(re.findall(r"'\S+'", finding["text"]))
    [finding] = gated.found("data.path=data/photos/train", "gates.duplicates=off", "gates.contradictions=block")
    assert sorted(row["file"][-9:] for row in finding["rows"]) == ["cat/1.png", "g/cat.png"]


def test_what_was_skipped_and_converted_is_in_the_summary_and_beside_the_counts(photos, ingested):
    train = photos.root / "data" / "photos" / "train"
    folder(train, {"cat/.x": b"", "cat/a.webp": encoded(noise(9), "WEBP"), "dog/b.gif": encoded(noise(9), "GIF")})
    examples = ingested(str(train))

    assert "skipped 1 file; converted 2 files" in examples.get_string_custom_property(summary.PROPERTY)
    recorded = omissions.Omissions(json.loads(Path(examples.uri, OMISSIONS).read_text()))
    assert sorted(recorded.lines()) == [
        "converted 1 file: GIF to PNG; a model is served PNG or JPEG, so convert such files there too (dog/b.gif)",
        "converted 1 file: WebP to PNG; a model is served PNG or JPEG, so convert such files there too (cat/a.webp)",
        "skipped 1 file: hidden (cat/.x)",
    ]


@pytest.fixture
def ingested(tmp_path, beam_pipeline):
    """Runs ingestion over a folder of images; returns the Examples artifact."""
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from components.ingestion import executor
    from spec import settings
    from spec.data import Data

    def run(path):
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / "examples")
        config = {
            "paths": path,
            "data": Data(path=path, split={"train": 1, "eval": 1, "test": 1}).model_dump(mode="json"),
            "columns": dict.fromkeys(("image", "label", "file"), "BYTES"),
            "duties": {"id": "file", "group": None, "time": None},
            "label": "label",
            "complete": [],
            "read": [],
            "notes": [],
            "classes": False,
        }
        context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=beam_pipeline)
        properties = {"settings": json.dumps(settings.pack(config, None)), "content": "", "code": ""}
        executor.Executor(context).Do({}, {"examples": [examples]}, properties)
        return examples

    return run
