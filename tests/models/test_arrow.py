"""Files in Arrow's formats whose columns have pickled types."""

import ast
import io
import re
import runpy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.data import arrow, column_cache

from .. import source_files

ROOT = Path(__file__).parents[2]
field = runpy.run_path(str(ROOT / "tests" / "pickled.py"))["field"]


@pytest.fixture
def column(tmp_path):
    """Makes a field that would create the file `ran`."""
    make = lambda name, kind: field(name, kind, "touch", str(tmp_path / "ran"))  # noqa: E731
    yield make
    assert not (tmp_path / "ran").exists()


def parquet(*fields):
    values = {"int64": [1, 2], "list": [[1], [2]], "struct": [{"p": 1}, {"p": 2}], "double": [0.5, None]}
    columns = [pa.array(values[str(field.type).partition("<")[0]], field.type) for field in fields]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), buffer)
    return buffer


@pytest.mark.parametrize("place", ["flat", "list", "struct"])
def test_a_pickled_type_of_a_parquet_file_is_refused_by_column(column, place):
    inner = column("p", pa.int64())
    kinds = {
        "flat": inner.with_name("x"),
        "list": pa.field("x", pa.list_(inner)),
        "struct": pa.field("x", pa.struct([inner])),
    }
    file = parquet(pa.field("a", pa.float64()), kinds[place])
    for _ in range(2):
        with pytest.raises(arrow.PickledTypeError) as error:
            arrow.parquet_file(file)
        assert str(error.value).startswith(
            "column 'x' has the extension type 'arrow.py_extension_type', a pickle that can run any code when it is "
            "read: have the file written again with the column as plain "
        )
    # Parquet's items are "element" since pyarrow 14, whatever they were called before.
    ends = {"flat": ("int64",), "list": ("list<p: int64>", "list<element: int64>"), "struct": ("struct<p: int64>",)}
    assert str(error.value).endswith(ends[place])


def test_a_pickle_that_is_cut_is_refused_alike(column):
    pickled = column("x", pa.int64())
    cut = pickled.with_metadata({**pickled.metadata, b"ARROW:extension:metadata": b"\x80\x04\x95("})
    with pytest.raises(arrow.PickledTypeError, match="column 'x'"):
        arrow.parquet_file(parquet(cut))


def test_a_type_that_is_no_pickle_is_read_as_it_is_stored(column):
    plain = pa.field("x", pa.int64(), metadata={"ARROW:extension:name": "somebody.money"})
    assert arrow.parquet_file(parquet(plain)).read()["x"].to_pylist() == [1, 2]


def test_a_pickled_type_of_columns_beside_records_is_refused_by_file_and_column(column, tmp_path):
    records = tmp_path / "Split-train" / "data.gz"
    records.parent.mkdir()
    records.write_bytes(b"records")
    writer = column_cache.Writer(str(records))
    schema = pa.schema([pa.field("a", pa.int64()), column("x", pa.int64())])
    writer.write(pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], schema=schema))
    writer.close(column_cache._digest(str(records)))
    with pytest.raises(ValueError, match=r"^.*/columns/Split-train/data\.gz\.arrow: column 'x' has the extension type"):
        list(column_cache.batches(str(records)))


# The one door

MODULES = {"parquet", "ipc", "feather", "dataset", "orc", "flight", "plasma", "serialization", "hdfs", "substrait"}
READERS = {
    "read_parquet",
    "read_feather",
    "read_orc",
    "ReadFromParquet",
    "ReadAllFromParquet",
    "ReadFromParquetBatched",
}


def doors(tree):
    """Yield what a module uses of the parts of pyarrow, pandas and Beam that create types named in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if set(name.name.split(".")[1:]) & MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
            "pyarrow",
            "pandas",
            "apache_beam",
        ):
            words = {*node.module.split(".")[1:], *(name.name for name in node.names)}
            yield from sorted(words & (MODULES | READERS if node.module.startswith("pyarrow") else READERS))
        elif isinstance(node, ast.Attribute):
            of_pyarrow = isinstance(node.value, ast.Name) and node.value.id in ("pa", "pyarrow")
            if node.attr in READERS or (of_pyarrow and (node.attr in MODULES or "deserialize" in node.attr)):
                yield node.attr


def test_no_other_module_opens_files_in_arrow_s_formats():
    doors_by_module = {name: set(doors(ast.parse((ROOT / name).read_text()))) for name in source_files.modules()}
    assert {name: uses for name, uses in doors_by_module.items() if uses} == {
        "models/data/arrow.py": {"ipc", "parquet"}
    }


@pytest.mark.parametrize(
    "text",
    [
        "import pyarrow.parquet as pq",
        "import pyarrow.feather",
        "from pyarrow import ipc",
        "from pyarrow.dataset import dataset",
        "import pyarrow as pa\npa.ipc.open_file(x)",
        "pa.deserialize(x)",
        "import pandas as pd\npd.read_parquet(x)",
        "from apache_beam.io.parquetio import ReadFromParquet",
    ],
)
def test_what_opens_them_is_seen(text):
    assert list(doors(ast.parse(text)))


TEXTS = pa.array(["p", "qq", " 2 ", None, "x1.5", "2", "abc", "9"])


@pytest.mark.parametrize("start", range(6))
@pytest.mark.parametrize("condition", [[True, False], [False, True], [False, False], [True, True]])
def test_cells_of_a_slice_are_chosen_beside_one_value(start, condition):
    """The newer stack's pyarrow, 18.1, reads zero bytes instead, if it is asked directly."""
    texts = TEXTS.slice(start, 2)
    mask, cells = pa.array(condition), texts.to_pylist()
    for value in (None, "0"):
        scalar = pa.scalar(value, pa.string())
        value_where_true = [value if chosen else cell for chosen, cell in zip(condition, cells, strict=True)]
        value_where_false = [cell if chosen else value for chosen, cell in zip(condition, cells, strict=True)]
        assert arrow.if_else(mask, scalar, texts).to_pylist() == value_where_true
        assert arrow.if_else(mask, texts, scalar).to_pylist() == value_where_false
        assert arrow.if_else(mask, texts, texts).to_pylist() == cells


def test_no_other_module_chooses_cells_with_arrow_itself():
    users = [
        name for name in source_files.modules() if re.search(r"\b(pc|compute)\.if_else\(", (ROOT / name).read_text())
    ]
    assert users == ["models/data/arrow.py"]
