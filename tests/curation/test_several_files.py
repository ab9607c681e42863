"""Data of several files whose columns are not the same."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion.omissions import Omissions
from curation import new_config, schema_review
from curation.look import several_files
from errors import UserError
from pipeline import load
from pipeline.variants import Name

from ..attributes import with_attributes

ROWS = "".join(f"{18 + row % 60},{'rgb'[row % 3]},{'yn'[row * 7 % 11 % 2]}\n" for row in range(100))


@pytest.fixture
def propose(tmp_path):
    """Proposes a config for files of one ending; returns the messages."""

    @with_attributes
    def run(*contents, ending="csv"):
        for folder in ("configs", "schemas", "data"):
            (tmp_path / folder).mkdir()
        for number, content in enumerate(contents):
            path = tmp_path / f"data/p{number}.{ending}"
            if isinstance(content, str):
                path.write_text(content)
            else:
                pq.write_table(content, path)
        sentences = new_config.new(str(tmp_path), "made", str(tmp_path / "data" / f"*.{ending}"), label="y").findings
        run.config = load.reviewed(str(tmp_path), Name("made")).config
        omissions = Omissions()
        run.different = schema_review.diff(
            schema_review.Choice(root=str(tmp_path), name="made", data_root=str(tmp_path)), omissions
        )
        run.omitted = omissions.lines()
        return "\n".join(sentences)

    return run


def test_the_order_of_columns_may_differ(propose):
    turned = "y,c,n\n" + "".join(",".join(reversed(row.split(","))) + "\n" for row in ROWS.split())
    assert "csv, 200 rows, 3 columns" in propose(f"n,c,y\n{ROWS}", turned)
    assert propose.different == []


def test_a_column_that_not_all_files_have_is_left_out_and_named(propose):
    wider = "n,c,y,x\n" + ROWS.replace("\n", ",1.50\n")
    assert "x is dropped: 1 of 2 files lack it (p0.csv)" in propose(f"n,c,y\n{ROWS}", wider)
    assert propose.config.data.drop == ("x",)
    assert propose.omitted == ["left out 1 column: listed in data.drop (x)"]


def test_so_is_one_of_parquet_and_of_json_lines(propose, tmp_path):
    table = pa.table({"n": list(range(50)), "y": ["a", "b"] * 25})
    assert "z is dropped" in propose(table, table.append_column("z", pa.array([1] * 50)), ending="parquet")


def test_parts_without_a_header_are_refused_with_the_command_that_puts_them_together(propose):
    with pytest.raises(UserError, match=r"p1\.csv: its columns \(18, r, y\) differ from those of \S*p0\.csv\. .*`cat "):
        propose(f"n,c,y\n{ROWS}", ROWS)


def test_what_a_batch_lacks_is_missing():
    batches = [pa.record_batch([[1], ["x"]], ["a", "b"]), pa.record_batch([["y"], [2]], ["b", "a"])]
    batches.append(pa.record_batch([[3]], ["a"]))
    assert several_files.together(batches).to_pydict() == {"a": [1, 2, 3], "b": ["x", "y", None]}
