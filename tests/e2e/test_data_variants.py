"""Data in spans, in another format and with nulls, from the file to a pushed model."""

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from .conftest import QUICK, runner

COMPLETE = """  name: "sqft_basement"
  type: INT
  presence { min_fraction: 1.0 min_count: 1 }
  shape { dim { size: 1 } }
"""
OPTIONAL = """  name: "sqft_basement"
  type: INT
  presence { min_fraction: 0.2 min_count: 1 }
  value_count { min: 1 max: 1 }
"""


def write_span(tree, number, edit):
    """Every second row as a Parquet file, one column changed."""
    table = pa_csv.read_csv(tree / "data/houses.csv.gz")
    table = table.take(pa.array(range(number, len(table), 2)))
    at = table.schema.get_field_index("sqft_basement")
    edited = pa.array(map(edit, table.column(at).to_pylist()))
    pq.write_table(table.set_column(at, "sqft_basement", edited), tree / f"data/houses-{number}.parquet")


def test_spans_of_parquet_with_nulls_and_a_new_span(small_tree):
    schema = small_tree / "schemas/houses.pbtxt"
    assert COMPLETE in schema.read_text()
    schema.write_text(schema.read_text().replace(COMPLETE, OPTIONAL))
    config = small_tree / "configs/houses.toml"
    text = config.read_text().replace(
        '"data/houses.csv.gz"', '"data/houses-{SPAN}.parquet"\nexclude = ["bedrooms > 6"]'
    )
    config.write_text(text.replace('"sqft_basement", scale', '"sqft_basement", missing = "median", scale'))
    write_span(small_tree, 0, lambda cell: cell or None)
    root = small_tree / "runs"
    result = runner("--local", "--root", root, *QUICK, tree=small_tree)

    assert result.code == 0, result.err
    assert " bedrooms > 6; span 0" in result.line("ingestion")
    assert result.nodes["pusher"] == "done"

    write_span(small_tree, 1, lambda cell: "none" if cell == 0 else str(cell))
    result = runner("--local", "--root", root, *QUICK, tree=small_tree)
    assert result.code == 2
    assert "houses-1.parquet: column 'sqft_basement', row " in result.err
    assert "'none' is not INT" in result.err
    assert result.nodes == {}, "no stage may have started"
