"""Columns of texts that are something else: names of image files."""

import pyarrow as pa
import pytest

from curation.facts import column_facts
from curation.propose import role_choices

ROWS = 60


def propose(files):
    table = pa.table({"file": files, "size": [row * 0.5 for row in range(ROWS)], "y": [row % 7 for row in range(ROWS)]})
    facts, _ = column_facts.table(table)
    return role_choices.propose(facts, "y", twins={}, leaks={}, orders={})


@pytest.mark.parametrize("ending", ["png", "JPG", "jpeg", "webp", "HEIC", "tif"])
def test_names_of_image_files_are_ignored_with_the_way_to_read_images(ending):
    names = [f"photos/{row:05d}.{ending}" for row in range(ROWS)]
    roles = propose(names)
    [ignored] = [entry for entry in roles.entries if entry.column == "file"]
    assert (ignored.role, roles.id) == ("ignored", None)
    assert ignored.reason == (
        f"names of image files such as 'photos/00000.{ending}', and images are read from folders: put them into a "
        "folder for each class, as IMAGES/CLASS/FILE, and name IMAGES as the data"
    )


@pytest.mark.parametrize("ending", ["png.txt", "pngs", "png "])
def test_other_names_identify_rows(ending):
    roles = propose([f"photos/{row:05d}.{ending}" for row in range(ROWS)])
    assert roles.id[0] == "file"
    assert [entry.column for entry in roles.entries] == ["size"]


def test_one_other_text_is_no_name_of_an_image():
    names = [f"{row:05d}.png" for row in range(ROWS)]
    assert propose([*names[:-1], "none"]).id[0] == "file"
