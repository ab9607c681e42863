import io

import numpy as np
import pytest
from PIL import Image

from . import score_rows


@pytest.fixture
def split(tmp_path, write_examples):
    folder = tmp_path / "Split-train"
    write_examples(folder / "0.gz", {"n": [1, None], "x": [0.5, 2.0], "t": ["a", "b"]})
    write_examples(folder / "1.gz", {"n": [3], "x": [4.0], "t": ["c"]})
    return folder


def test_all_files_of_a_split_are_read_in_order(split):
    table = score_rows.read(split)
    assert table["x"].tolist() == [0.5, 2.0, 4.0]
    assert table["t"].tolist() == [b"a", b"b", b"c"]
    assert table["n"][[0, 2]].tolist() == [1, 3]
    assert np.isnan(table["n"][1])


def test_pictures_become_rows_of_numbers():
    picture = io.BytesIO()
    Image.fromarray(np.array([[0, 51], [255, 0]], np.uint8)).save(picture, "PNG")
    assert score_rows.pixels([picture.getvalue()]).tolist() == [[0.0, 0.2, 1.0, 0.0]]
