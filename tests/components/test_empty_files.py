"""Files without rows among others are skipped and counted."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion import planning
from components.ingestion.discovery import data_files, empty_files
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.omissions import Omissions
from components.ingestion.write import example_encoding
from components.ingestion.write.record_writer import frame
from curation.look import reading
from errors import UserError
from orchestration import preflight
from spec.data import Data

TABLE = pa.table({"n": [1, 2], "s": ["a", "b"]})


def write(path, rows):
    table = TABLE.slice(0, rows)
    if path.suffix == ".csv":
        path.write_text("n,s\n" + "".join(f"{n},{s}\n" for n, s in zip(*table.to_pydict().values(), strict=True)))
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        path.write_bytes(frame([] if not rows else example_encoding.examples(table.to_batches()[0]).to_pylist()))


@pytest.fixture(params=["csv", "parquet", "tfrecord"])
def parts(request, tmp_path):
    """A folder of parts, of which the first and the third hold nothing."""
    for number, rows in enumerate([None, 2, 0, 2]):
        path = tmp_path / "parts" / f"part-{number}.{request.param}"
        path.parent.mkdir(exist_ok=True)
        path.touch() if rows is None else write(path, rows)
    return str(tmp_path / "parts")


def ingestion(path):
    return IngestionSettings.model_validate(
        {
            "paths": path,
            "data": Data(path="x"),
            "columns": {"n": "INT", "s": "BYTES"},
            "duties": {"id": None, "group": None, "time": None},
            "label": None,
            "complete": [],
            "read": [],
            "notes": [],
        }
    )


def test_they_are_skipped_by_a_run_by_preflight_and_by_new(parts):
    config = ingestion(parts)
    plan, keep = planning.plan(config), planning.keeper(config)
    rows = [number for file in plan.files for batch in planning.read(file, plan, config, keep) for number in batch[0]]
    omissions = Omissions()
    preflight.check_data(parts, Data(path="x"), config="c", columns=["n", "s"], label=None, omissions=omissions)

    assert [number.as_py() for number in rows] == [1, 2, 1, 2]
    assert len(plan.found) == 4, "an edit of an empty file is an edit of the data"
    ending = plan.found[0].path.rpartition(".")[2]
    line = f"skipped 2 files: it holds no rows (part-0.{ending}, part-2.{ending})"
    assert plan.omissions.lines() == omissions.lines() == [line]
    data = reading.read(parts, "/")
    assert data.table.num_rows == 4
    assert reading.cells("/", data.values).omissions.lines() == [line]


def test_where_no_file_holds_rows_it_is_an_error(parts):
    for name in ("1", "3"):
        for path in data_files.resolve(parts, Data(path="x")):
            if f"part-{name}" in path.path:
                open(path.path, "w").close()
    with pytest.raises(UserError, match=r"part-0\..*\n.*part-1\."):
        preflight.check_data(parts, Data(path="x"), config="c", columns=["n", "s"], label=None)


def test_a_file_that_cannot_be_read_is_no_empty_one(parts):
    files = data_files.resolve(parts, Data(path="x"))
    with open(files[1].path, "wb") as file:
        file.write(b"\xff\x00\xfe")
    remaining = empty_files.without(files, Data(path="x"), Omissions())
    assert [file.path for file in remaining] == [files[1].path, files[3].path]
