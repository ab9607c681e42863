import datetime

import pytest

from components.ingestion import planning, sources
from components.ingestion.discovery import data_files
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.parsing import casting
from components.ingestion.rows import split_assignment
from components.ingestion.write import example_encoding
from errors import UserError
from spec.data import Data
from spec.rows.data_paths import SPLITS
from spec.rows.split import Split

DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(days=number) for number in range(91)]


@pytest.fixture
def plan(tmp_path):
    """Plans over files of ingestion; returns the plan, and the rows that it reads."""

    def run(path, time="day", label=None, **keys):
        data = Data(path=path, **keys)
        config = IngestionSettings.model_validate(
            {
                "paths": data_files.under(str(tmp_path), path),
                "data": data.model_dump(mode="json"),
                "columns": {"n": "INT", "day": "BYTES"},
                "duties": {"id": None, "group": None, "time": time},
                "label": label,
                "complete": [],
                "read": [],
                "notes": [],
                "classes": False,
            }
        )
        planned = planning.plan(config)
        keep = planning.keeper(config)
        rows = [
            n
            for file in planned.files
            for batch in planning.read(file, planned, config, keep)
            for n in batch[0].to_pylist()
        ]
        return planned, rows, keep.left_out

    (tmp_path / "days.csv").write_text("n,day\n" + "".join(f"{number},{day}\n" for number, day in enumerate(DAYS)))
    return run


@pytest.mark.parametrize(
    ("keys", "rows", "note"),
    [
        ({"spans": {"by": "month"}}, range(60, 91), "span 2024-03"),
        ({"spans": {"by": "month"}, "window": 2}, range(31, 91), "2 spans, 2024-02 to 2024-03"),
        ({"spans": {"by": "month"}, "span": "2024-02"}, range(31, 60), "span 2024-02"),
        ({"spans": {"by": "week"}}, range(84, 91), "span 2024-03-25"),
        ({"spans": {"by": "day"}, "window": 3}, range(88, 91), "3 spans, 2024-03-29 to 2024-03-31"),
        ({"spans": {"by": "month"}, "exclude": ["day >= '2024-03-01'"]}, range(31, 60), "span 2024-02"),
    ],
)
def test_the_last_spans_of_a_column_of_dates_are_read(plan, keys, rows, note):
    planned, read, left_out = plan("days.csv", **keys)

    assert read == list(rows)
    assert planned.notes == [note]
    assert sum(left_out.values()) == 91 - len(read)
    assert left_out["of other spans"] == 91 - len(read) - left_out.get("day >= '2024-03-01'", 0)
    assert planned.span == planned.taken[-1].number > 0


def test_a_split_by_time_divides_the_spans_that_are_taken(plan):
    planned, _, _ = plan("days.csv", spans={"by": "month"}, split="time")

    assert planned.notes == ["span 2024-03", "eval from 2024-03-26, test from 2024-03-29"]


def test_spans_of_paths_are_reported_with_their_version(plan, tmp_path):
    for name in ("d-1-1.csv", "d-2-1.csv", "d-2-3.csv"):
        (tmp_path / name).write_text(f"n,day\n{name[2]},2024-01-01\n")
    planned, rows, _ = plan("d-{SPAN}-{VERSION}.csv", window=2)

    assert (planned.span, planned.version, rows) == (2, 3, [1, 2])
    assert planned.notes == ["2 spans, 1 to 2, version 3"]


def test_a_row_without_a_date_is_in_no_span(plan, tmp_path):
    (tmp_path / "x.csv").write_text("n,day\n1,2024-01-01\n2,\n")
    with pytest.raises(UserError, match=r"x\.csv: 1 row has no 'day', which \[columns\] time names"):
        plan("x.csv", spans={"by": "day"})
    with pytest.raises(UserError, match=r"days\.csv: column 'date' is missing\. Known columns: n, day"):
        plan("days.csv", time="date", spans={"by": "day"})


def test_rows_of_a_date_that_is_blank_can_be_excluded(plan, tmp_path):
    (tmp_path / "x.csv").write_text("n,day\n1,2024-01-01\n2,\n")
    _, rows, left_out = plan("x.csv", spans={"by": "day"}, exclude=["day is missing"])

    assert (rows, left_out) == ([1], {"day is missing": 1})


@pytest.mark.parametrize("count", [1, 10, 91, 1000])
def test_a_sample_is_of_so_many_rows_in_order(plan, count):
    planned, rows, _ = plan("days.csv", sample=count)

    assert len(rows) == min(count, 91)
    assert rows == sorted(set(rows))
    assert planned.notes == [f"a sample of {count:,} rows"]


@pytest.mark.parametrize(("names", "counts"), [(("train", "test"), [36, 4]), (("train", "eval", "test"), [32, 4, 4])])
def test_a_sample_of_ready_made_splits_is_divided_by_their_shares(plan, tmp_path, names, counts):
    path = {name: f"{name}.csv" for name in names}
    for name in names:
        (tmp_path / path[name]).write_text("n,day\n" + f"{names.index(name)},2024-01-01\n" * 200)
    _, rows, _ = plan(path, split="files", sample=40)

    assert [rows.count(number) for number in range(len(names))] == counts


def divided(plan, split, path):
    """Row numbers by split."""
    settings = Data(path=path)
    splitter = split_assignment.Splitter(
        Split.model_validate(split), key=plan.key, cut_eval=plan.cut_eval, time="day", newest=plan.newest
    )
    rows_by_split = {name: [] for name in SPLITS}
    for file in plan.files:
        for batch in sources.batches(file.path, settings, plan.columns):
            rows = splitter.divide(batch, example_encoding.examples(batch), path=file.path, ready=file.split)
            assert set(rows) <= set(splitter.names(file.split))
            for name, places in rows.items():
                rows_by_split[name] += batch[0].take(places).to_pylist()
    return {name: sorted(rows) for name, rows in rows_by_split.items()}


def test_where_no_row_names_eval_it_is_cut_out_of_train(plan, tmp_path):
    (tmp_path / "x.csv").write_text("n,day\n" + "".join(f"{n},{'train' if n % 5 else 'test'}\n" for n in range(200)))
    column = {"by": "column", "column": "day", "train": 1, "eval": 1}
    planned, _, _ = plan("x.csv", split=column)
    rows = divided(planned, column, "x.csv")

    assert planned.notes == ["eval is cut out of train, because day names it in no row"]
    assert rows["test"] == list(range(0, 200, 5))
    assert sorted(rows["train"] + rows["eval"]) == [n for n in range(200) if n % 5]
    assert min(len(rows["train"]), len(rows["eval"])) > 50
    salted, _, _ = plan("x.csv", split={**column, "salt": "x"})
    assert divided(salted, {**column, "salt": "x"}, "x.csv")["eval"] != rows["eval"]
    named, _, _ = plan("x.csv", split={**column, "values": {"dev": "eval"}})
    assert divided(named, {**column, "values": {"dev": "eval"}}, "x.csv")["eval"] == named.notes == []


def test_the_newest_span_is_the_test_split_and_earlier_spans_are_train(plan, tmp_path):
    by_span = {"by": "span", "column": "n", "train": 3, "eval": 1}
    planned, _, _ = plan("days.csv", spans={"by": "month"}, window=3, split=by_span)
    assert planned.notes == ["3 spans, 2024-01 to 2024-03", "test is 2024-03"]
    rows = divided(planned, by_span, "days.csv")
    assert rows["test"] == list(range(60, 91))
    assert sorted(rows["train"] + rows["eval"]) == list(range(60))
    assert 5 < len(rows["eval"]) < 30

    months = [[number for number, day in enumerate(DAYS) if day.month == month] for month in (1, 2, 3)]
    for month, numbers in enumerate(months, 1):
        (tmp_path / f"m-{month}.csv").write_text("n,day\n" + "".join(f"{n},{DAYS[n]}\n" for n in numbers))
    planned, _, _ = plan("m-{SPAN}.csv", window=3, split=by_span)
    assert divided(planned, by_span, "m-1.csv") == rows


def test_one_span_is_not_enough_to_test_on_the_newest(plan, tmp_path):
    (tmp_path / "x.csv").write_text("n,day\n1,2024-01-01\n")
    with pytest.raises(UserError, match="there is only 2024-01: wait for the next one, or divide by hash"):
        plan("x.csv", spans={"by": "month"}, window=2, split="span")
    with pytest.raises(ValueError, match="set window = 2 or more"):
        plan("x.csv", spans={"by": "month"}, split="span")


def test_seconds_with_a_fraction_are_divided_as_they_are_written(tmp_path):
    """float32 has 6 different numbers for these 200."""
    (tmp_path / "epoch.csv").write_text("at,y\n" + "".join(f"{1704067200 + 3.4 * n:.3f},{n}\n" for n in range(200)))
    data = Data(path=str(tmp_path / "epoch.csv"), split="time")
    config = IngestionSettings.model_validate(
        {
            "paths": data.path,
            "data": data.model_dump(mode="json"),
            "columns": {"at": "FLOAT", "y": "INT"},
            "duties": {"id": None, "group": None, "time": "at"},
            "label": "y",
            "complete": [],
            "read": [],
            "notes": ["said of the config"],
            "classes": False,
        }
    )
    planned = planning.plan(config)
    assert "said of the config" in planned.notes

    assert planned.cuts == [pytest.approx(1704067200 + 3.4 * row, abs=1e-3) for row in (160, 180)]
    [batch] = planning.read(planned.files[0], planned, config, planning.keeper(config))
    assert len(set(batch.column(0).to_pylist())) == 200
    assert casting.narrowed(batch).column(0).type == "float"


@pytest.mark.parametrize("split", ["time", "span"])
def test_groups_that_a_split_would_take_apart_are_refused(plan, split):
    from spec.rows.grouping import ungrouped

    assert ungrouped(split, None) == ungrouped("hash", "city") == ungrouped("files", "city") == ""
    keys = {"paths": "{SPAN}.csv", "label": None, "complete": [], "columns": {}, "duties": {"group": "city"}}
    config = IngestionSettings.model_validate({"data": {"split": {"by": split}, "window": 2}, **keys})
    with pytest.raises(UserError, match=rf"\[columns\] group = 'city' keeps .* data\.split\.by = '{split}' puts"):
        planning.plan(config)
