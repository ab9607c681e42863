"""A data file that runs code when it is unpickled."""

import runpy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ..trees import cold_runner, copy_code

TESTS = Path(__file__).parents[1]
field = runpy.run_path(str(TESTS / "pickled.py"))["field"]
CONFIG = """
[data]
path = "data/evil.parquet"
split = {by = "hash"}
[features]
numeric = [{column = "x"}, {column = "a"}]
[label]
column = "y"
[network]
name = "mlp"
layers = [4]
[training]
epochs = 1
"""
SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} presence {{ min_fraction: 1.0 min_count: 1 }} '
    "shape { dim { size: 1 } } }\n"
    for name, kind in (("x", "INT"), ("a", "FLOAT"), ("y", "FLOAT"))
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The code with a pipeline whose file would create `ran`."""
    tree = tmp_path_factory.mktemp("tree")
    copy_code(tree)
    for folder in ("configs", "schemas", "data"):
        (tree / folder).mkdir(exist_ok=True)
    (tree / "configs" / "evil.toml").write_text(CONFIG)
    (tree / "schemas" / "evil.pbtxt").write_text(SCHEMA)
    schema = pa.schema(
        [field("x", pa.int64(), "touch", str(tree / "ran")), pa.field("a", pa.float64()), pa.field("y", pa.float64())]
    )
    values = [list(range(400)), [row / 7 for row in range(400)], [row / 3 for row in range(400)]]
    pq.write_table(pa.table(values, schema=schema), tree / "data" / "evil.parquet")
    return tree


COMMANDS = (
    "new other data/evil.parquet",
    "doctor evil",
    "schema diff evil",
    "schema infer evil",
    "--local --pipeline evil",
)


def test_a_pickle_in_a_parquet_file_is_not_executed(tree, figure):
    """Fault 42: a Parquet file with a column whose type is a pickle of a shell command, read by every command."""
    ran = 0
    for command in COMMANDS:
        words = [str(tree / word) if word.startswith("data/") else word for word in command.split()]
        completed = (
            cold_runner(*words, "--root", tree / "runs", tree=tree)
            if "--" in command
            else cold_runner(*words, tree=tree)
        )
        ran += (tree / "ran").exists()
        assert completed.code == 2, (command, completed)
        [line] = [line for line in (completed.out + completed.err).splitlines() if "arrow.py_extension_type" in line]
        assert "data/evil.parquet: column 'x' has the extension type 'arrow.py_extension_type', a pickle" in line
        assert "have the file written again with the column as plain int64" in line
        assert "Traceback" not in completed.err
    figure(42, f"{len(COMMANDS)} commands read the file: refused with file, column and type; code run {ran} times")
    assert ran == 0
