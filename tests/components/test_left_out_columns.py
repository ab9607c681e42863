"""Columns that are not read: alike for every format, and for a plan, a look and the checks before a run."""

import datetime
import decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion import planning, sources
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.omissions import Omissions
from components.ingestion.rows import left_out_columns
from components.ingestion.write import example_encoding
from components.ingestion.write.record_writer import frame
from errors import UserError
from orchestration import preflight
from spec.data import Data

BATCH = pa.record_batch(
    [pa.array([1, 2, 3]), pa.array(["a", "b", "c"]), pa.array([5, 7, 6])], ["n", "s", "__index_level_0__"]
)


@pytest.fixture(params=["csv", "parquet", "tfrecord"])
def table(request, tmp_path):
    """The path of BATCH in a format."""
    path = tmp_path / f"t.{request.param}"
    if request.param == "csv":
        rows = zip(*BATCH.to_pydict().values(), strict=True)
        path.write_text("\n".join([",".join(BATCH.schema.names), *(",".join(map(str, row)) for row in rows), ""]))
    elif request.param == "parquet":
        pq.write_table(pa.Table.from_batches([BATCH]), path)
    else:
        path.write_bytes(frame(example_encoding.examples(BATCH).to_pylist()))
    return str(path)


def settings(**keys):
    return Data(path="not read", **keys)


def ingestion(path, columns, **keys):
    return IngestionSettings.model_validate(
        {
            "paths": path,
            "data": settings(**keys),
            "columns": columns,
            "duties": {"id": None, "group": None, "time": None},
            "label": None,
            "complete": [],
            "read": [],
            "notes": [],
            "classes": False,
        }
    )


def test_the_row_index_and_what_is_dropped_are_not_read_and_counted(table):
    data, omissions = settings(drop=["s"]), Omissions()
    [batch] = sources.batches(table, data, {}, omissions)

    assert batch.to_pydict() == {"n": [1, 2, 3]}
    assert {(omission.reason, *omission.names) for omission in omissions} == {
        (left_out_columns.INDEX, "__index_level_0__"),
        (left_out_columns.DROPPED, "s"),
    }
    looked = Omissions()
    assert sources.look(table, data, looked) == ["n"]
    assert set(looked.lines()) == set(omissions.lines())


def test_a_plan_and_preflight_report_it_once_for_all_files(table, tmp_path):
    ending = table.rpartition(".")[2]
    with open(table, "rb") as file:
        (tmp_path / f"u.{ending}").write_bytes(file.read())
    pattern = str(tmp_path / f"?.{ending}")
    plan = planning.plan(ingestion(pattern, {"n": "INT"}, drop=["s"]))
    omissions = Omissions()
    preflight.check_data(
        pattern, Data(path="x", drop=["s"]), config="c", columns=["n"], label=None, omissions=omissions
    )

    assert [omission.count for omission in plan.omissions] == [1, 1]
    assert sorted(plan.omissions.lines()) == sorted(omissions.lines())
    assert "left out 1 column: listed in data.drop (s)" in omissions.lines()
    assert list(plan.columns) == ["n"]


def test_a_dropped_column_that_no_file_has_is_refused_with_those_that_are_there(table):
    message = r"data\.drop: .* has no column 'S': remove it from data\.drop\. Known columns: n, s$"
    with pytest.raises(UserError, match=message):
        planning.plan(ingestion(table, {"n": "INT", "s": "BYTES"}, drop=["S"]))
    with pytest.raises(UserError, match=message):
        preflight.check_data(table, Data(path="x", drop=["S"]), config="c", columns=["n", "s"], label=None)


def test_one_of_two_columns_of_a_name_is_dropped_with_the_other(tmp_path):
    (tmp_path / "t.csv").write_text("n,s,s\n1,a,b\n")
    path = str(tmp_path / "t.csv")
    with pytest.raises(UserError, match=r"two columns are named 's': rename one, or drop it with drop = \[\"s\"\]"):
        list(sources.batches(path, settings(), {}))
    [batch] = sources.batches(path, settings(drop=["s"]), {})
    assert batch.to_pydict() == {"n": [1]}


NESTED = {
    "lists": pa.array([[1.0, 2.0], None]),
    "pairs": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    "parts": pa.array([{"a": 1}, None]),
    "tags": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
}
MOMENT = datetime.datetime(2024, 3, 1, 12, 30, 5)
FLAT = {
    "small": (pa.array([1, None], pa.uint64()), [1, None]),
    "large": (pa.array([2**63, 1], pa.uint64()), ["9223372036854775808", "1"]),
    "took": (pa.array([90_500, None], pa.duration("ms")), [90.5, None]),
    "slept": (pa.array([2**62, 0], pa.duration("ns")), [4611686018.427388, 0.0]),
    "price": (pa.array([decimal.Decimal("1.50"), None], pa.decimal256(40, 2)), [1.5, None]),
    "word": (pa.array(["a", None], pa.large_string()), ["a", None]),
    "code": (pa.array([1.5, None]).dictionary_encode(), [1.5, None]),
    "clock": (pa.array([MOMENT.time(), None], pa.time64("us")), ["12:30:05", None]),
    "day": (pa.array([MOMENT.date(), None]), ["2024-03-01", None]),
    "at": (pa.array([MOMENT, None], pa.timestamp("us", "Europe/Berlin")), ["2024-03-01 12:30:05", None]),
    "key": (pa.array([b"ab", None], pa.binary(2)), [b"ab", None]),
    "none": (pa.nulls(2), [None, None]),
}


def test_a_duration_is_reported_as_converted_to_seconds(tmp_path):
    path = str(tmp_path / "t.parquet")
    pq.write_table(pa.table({"took": FLAT["took"][0]}), path)
    omissions, looked = Omissions(), Omissions()
    sources.types([path], settings(), {}, omissions)
    sources.look(path, settings(), looked)
    assert omissions.lines() == looked.lines() == ["converted 1 column: a duration, read as seconds (took)"]


@pytest.mark.parametrize("name", FLAT)
def test_every_flat_type_of_parquet_is_read(tmp_path, name):
    pq.write_table(pa.table({name: FLAT[name][0]}), tmp_path / "t.parquet")
    [batch] = sources.batches(str(tmp_path / "t.parquet"), settings(), {})

    assert batch.column(0).to_pylist() == pytest.approx(FLAT[name][1])
    assert str(batch.column(0).type) in ("int64", "float", "string", "binary")


def test_columns_of_many_values_are_all_named_with_the_edit_that_drops_them(tmp_path):
    path = str(tmp_path / "t.parquet")
    pq.write_table(pa.table({**NESTED, "n": [1, 2]}), path)
    for ask in (lambda data: list(sources.batches(path, data, {})), lambda data: sources.look(path, data)):
        with pytest.raises(UserError) as caught:
            ask(settings())
        lines = str(caught.value).splitlines()
        assert [line.split("'")[1] for line in lines] == list(NESTED)
        assert lines[0].endswith('and a cell is one number or text: drop it with drop = ["lists"] under [data]')
    assert list(sources.unreadable(path, settings())) == list(NESTED)

    data = settings(drop=list(NESTED))
    [batch] = sources.batches(path, data, {})
    assert (batch.to_pydict(), sources.look(path, data)) == ({"n": [1, 2]}, ["n"])
    assert sources.unreadable(path, data) == {}


def test_features_of_many_values_are_dropped(tmp_path):
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    batch = pa.record_batch([pa.array([[1], [1, 2]]), pa.array([[5], [6]])], ["a", "n"])
    path = tmp_path / "t.tfrecord"
    path.write_bytes(frame(RecordBatchToExamplesEncoder(None).encode(batch)))
    assert list(sources.unreadable(str(path), settings())) == ["a"]
    [read] = sources.batches(str(path), settings(drop=["a"]), {})
    assert read.to_pydict() == {"n": [5, 6]}


def test_a_schema_s_type_holds_no_key_beyond_it(tmp_path):
    path = str(tmp_path / "t.parquet")
    pq.write_table(pa.table({"key": FLAT["large"][0]}), path)
    with pytest.raises(UserError, match=r"column 'key', row 1: 9223372036854775808 is not INT"):
        list(sources.batches(path, settings(), {"key": "INT"}))
