import bz2
import gzip
import lzma

import numpy as np
import pytest

from curation import new_config, schema_review
from curation.look import unique_names
from pipeline import load
from pipeline.variants import Name


def test_later_columns_of_a_name_are_numbered():
    assert unique_names.unique(["a", "b", "a", "a_2", "a"]) == ["a", "b", "a_3", "a_2", "a_4"]
    assert unique_names.unique(["", "", "x"]) == ["", "_2", "x"]
    assert unique_names.unique(["a", "A"]) == ["a", "A"]


def test_new_reads_a_table_with_columns_that_share_a_name(tmp_path):
    for folder in ("configs", "schemas", "data"):
        (tmp_path / folder).mkdir()
    x = np.random.default_rng(1).normal(size=200)
    rows = "".join(f"{value:.3f};{-value * value:.3f};{'yes' if value > 0 else 'no'}\n" for value in x)
    (tmp_path / "data" / "t.csv").write_text(f"x;x;y\n{rows}")
    proposal = new_config.new(str(tmp_path), "made", str(tmp_path / "data" / "t.csv"))
    reviewed = load.reviewed(str(tmp_path), Name("made"))

    assert reviewed.config.data.csv.names == ("x", "x_2", "y")
    assert reviewed.config.data.csv.delimiter == ";"
    assert list(reviewed.columns) == ["x", "x_2", "y"]
    assert "columns with the same name are numbered: 'x_2' (column 2); data.csv.names" in proposal.findings
    assert schema_review.diff(schema_review.Choice(root=str(tmp_path), name="made", data_root=str(tmp_path))) == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_damage_of_a_packed_file_is_left_to_its_reader(pack, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(pack(b"a,a\n" + b"1,2\n" * 9)[:-8])
    assert unique_names.settle(str(path), []) == ([], [])
