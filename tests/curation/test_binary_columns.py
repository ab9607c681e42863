"""Binary columns of Parquet in a proposal: texts if they are UTF-8, else ignored and named."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import new_config
from errors import UserError
from pipeline import load

ROWS = 90


@pytest.fixture
def proposed(tmp_path):
    def propose(label="rent", **columns):
        for folder in ("configs", "schemas"):
            (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / "t.parquet"
        numbers = {
            "size": [row % 37 + 0.5 for row in range(ROWS)],
            "rent": [900 + row * 7 % 101 for row in range(ROWS)],
        }
        pq.write_table(pa.table({**columns, **numbers}), path)
        proposal = new_config.new(str(tmp_path), "made", str(path), label=label, force=True)
        return proposal, load.load(str(tmp_path), "made")

    return propose


def test_binary_cells_that_are_texts_are_categories(proposed):
    _, config = proposed(city=pa.array([(b" Bern", b"Chur", b"?")[row % 3] for row in range(ROWS)], pa.binary()))
    assert [entry.column for entry in config.features.of("categorical")] == ["city"]


@pytest.mark.parametrize("cells", [[b"\xff\x00"] * ROWS, [bytes([255, row]) for row in range(ROWS)]])
def test_bytes_that_are_neither_texts_nor_images_are_ignored_and_named(proposed, cells):
    proposal, config = proposed(raw=pa.array(cells, pa.binary()))
    assert "raw is ignored: cells of bytes, neither texts nor images" in proposal.findings
    assert config.features.ignored == ("raw",)


def test_bytes_cannot_be_the_label(proposed):
    cells = pa.array([(b"\xff", b"\xfe")[row % 2] for row in range(ROWS)], pa.binary())
    with pytest.raises(UserError, match="--label 'raw' cannot be the label: its cells are bytes, not texts"):
        proposed(label="raw", raw=cells)
