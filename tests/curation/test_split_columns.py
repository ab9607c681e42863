"""Columns of ready-made splits: used to divide, and never as features."""

import numpy as np
import pytest

from curation import new_config, schema_review
from pipeline import load
from pipeline.variants import Name

ROWS = 600


@pytest.fixture
def make(tmp_path):
    """Proposes for a table of numbers, further columns and a label."""
    for folder in ("configs", "schemas", "data"):
        (tmp_path / folder).mkdir()

    def run(**columns):
        rng = np.random.default_rng(3)
        x = rng.normal(size=ROWS)
        cells = {"x": x.round(4), **columns, "y": np.where(x + rng.normal(size=ROWS) > 0, "yes", "no")}
        rows = "\n".join(",".join(map(str, row)) for row in zip(*cells.values(), strict=True))
        (tmp_path / "data" / "t.csv").write_text(f"{','.join(cells)}\n{rows}\n")
        proposal = new_config.new(str(tmp_path), "made", str(tmp_path / "data" / "t.csv"), label="y", force=True)
        assert schema_review.diff(schema_review.Choice(root=str(tmp_path), name="made", data_root=str(tmp_path))) == []
        return proposal, load.reviewed(str(tmp_path), Name("made"))

    return run


def of(*names):
    return [names[min(row % 10, len(names) - 1)] for row in range(ROWS)]


@pytest.mark.parametrize(
    ("cells", "values", "reason"),
    [
        (of("test", "eval", "train"), {}, "split of each row"),
        (
            of("Test", "Validation", "Train"),
            {"Test": "test", "Train": "train", "Validation": "eval"},
            "split of each row",
        ),
        (of("testing", "training"), {"testing": "test", "training": "train"}, "eval is cut out of train"),
        (
            of("val", "train"),
            {"val": "test"},
            "there is no test split: val is the test split; eval is cut out of train",
        ),
    ],
)
def test_it_divides_the_rows_and_is_no_feature(make, cells, values, reason):
    proposal, reviewed = make(part=cells)
    split = reviewed.config.data.split

    assert (split.by, split.column, split.values) == ("column", "part", values)
    assert reviewed.config.features.columns() == ("x",)
    assert reviewed.columns["part"] == "BYTES"
    [line] = [line for line in proposal.findings if "is the split column: data.split, not a feature" in line]
    assert reason in line


def test_others_are_ignored_with_the_reason(make):
    proposal, reviewed = make(
        usage=of("test", "train"), Split=of("val", "test", "train"), subset=of("", "test", "train")
    )
    assert reviewed.config.data.split.column == "Split"
    assert reviewed.config.features.ignored == ("usage", "subset")
    assert "usage is ignored: names of splits" in proposal.findings
    assert "subset is ignored: names of splits, null in 60 rows" in proposal.findings


@pytest.mark.parametrize("cells", [of("test", "trial", "train"), of("val", "test"), of("train", "ferry"), of("a", "b")])
def test_other_words_are_categories(make, cells):
    _, reviewed = make(part=cells)
    assert reviewed.config.data.split.by == "hash"
    assert reviewed.config.features.columns() == ("x", "part")


def test_a_column_with_blank_cells_divides_nothing(make):
    proposal, reviewed = make(split=of("", "test", "train"))
    assert reviewed.config.data.split.by == "hash"
    assert reviewed.config.features.ignored == ("split",)
    assert "split is ignored: names of splits, null in 60 rows" in proposal.findings
