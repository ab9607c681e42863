import datetime

import numpy as np
import pyarrow as pa
import pytest

from components.ingestion.discovery import data_files, spans
from components.ingestion.rows import row_times
from errors import UserError
from spec.data import Data
from spec.rows import span_names


@pytest.fixture
def resolve(tmp_path):
    """Makes files of these names; returns those that data.path names, and their spans and versions."""

    def run(names, path, **keys):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        split = "files" if isinstance(path, dict) else "hash"
        data = Data(path=path, split=split, **keys)
        files = data_files.resolve(data_files.under(str(tmp_path), data.path), data)
        return [
            (file.path.removeprefix(f"{tmp_path}/"), file.span.shown if file.span else None, file.version)
            for file in files
        ]

    return run


NUMBERED = ["span-1/a.csv", "span-2/a.csv", "span-10/a.csv", "span-10/b.csv", "span-x/a.csv"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, [("span-10/a.csv", "10", None), ("span-10/b.csv", "10", None)]),
        ({"span": 2}, [("span-2/a.csv", "2", None)]),
        (
            {"window": 2},
            [
                (f"span-{name}", number, None)
                for name, number in (("10/a.csv", "10"), ("10/b.csv", "10"), ("2/a.csv", "2"))
            ],
        ),
        ({"span": "2", "window": 5}, [("span-1/a.csv", "1", None), ("span-2/a.csv", "2", None)]),
    ],
)
def test_the_latest_spans_up_to_the_one_asked_for_are_taken(resolve, keys, expected):
    assert resolve(NUMBERED, "span-{SPAN}/*.csv", **keys) == expected


def test_the_highest_version_of_each_span_is_taken(resolve):
    names = ["s1/v9.csv", "s1/v10.csv", "s2/v1.csv", "s2/v2.csv"]

    assert resolve(names, "s{SPAN}/v{VERSION}.csv") == [("s2/v2.csv", "2", 2)]
    assert resolve(names, "s{SPAN}/v{VERSION}.csv", window=2) == [("s1/v10.csv", "1", 10), ("s2/v2.csv", "2", 2)]
    assert resolve(names, "s1/v{VERSION}.csv") == [("s1/v10.csv", None, 10)]


def test_dates_in_paths_are_spans(resolve):
    names = ["2023-12-31.csv", "2024-01-01.csv", "2024-02-29.csv", "latest.csv"]

    assert resolve(names, "{YYYY}-{MM}-{DD}.csv") == [("2024-02-29.csv", "2024-02-29", None)]
    assert [
        name for name, *_ in resolve(names, "{YYYY}-{MM}-{DD}.csv", span=datetime.date(2024, 1, 1), window=2)
    ] == names[:2]
    assert resolve(["2024/05/x.csv", "2024/06/x.csv"], "{YYYY}/{MM}/*")[0][1] == "2024-06-01"
    [(_, span_name, _)] = resolve(["d=20240501/20240501.csv"], "d={YYYY}{MM}{DD}/{YYYY}{MM}{DD}.csv", span=19844)
    assert span_name == "2024-05-01"


def test_patterns_of_ready_made_splits_take_the_same_span(resolve):
    names = ["train-1.csv", "test-1.csv", "train-2.csv", "test-2.csv", "always.csv"]
    path = {"train": ["train-{SPAN}.csv", "always.csv"], "test": "test-{SPAN}.csv"}

    assert [name for name, *_ in resolve(names, path)] == ["train-2.csv", "always.csv", "test-2.csv"]
    assert [name for name, *_ in resolve(names, path, span=1)] == ["train-1.csv", "always.csv", "test-1.csv"]


def test_brackets_in_a_data_root_are_no_pattern(tmp_path):
    root = tmp_path / "data [1]"
    root.mkdir()
    for name in ("a-1.csv", "a-2.csv", "b[c].csv"):
        (root / name).write_text("")
    settings = Data(path="a-{SPAN}.csv")

    assert [file.path for file in data_files.resolve(data_files.under(str(root), "a-{SPAN}.csv"), settings)] == [
        f"{root}/a-2.csv"
    ]
    assert len(data_files.resolve(data_files.under(str(root), "a-*.csv"), settings)) == 2
    two = settings.model_copy(update={"window": 2})
    assert len(data_files.resolve(data_files.under(str(root), "[!b]-{SPAN}.csv"), two)) == 2
    assert len(data_files.resolve(data_files.under(str(root), "[ab]-{SPAN}.csv"), two)) == 2
    assert len(data_files.resolve(data_files.under(str(tmp_path), "data [1]/b[c].csv"), settings)) == 1


def test_a_new_span_is_other_content(tmp_path):
    settings = Data(path="{SPAN}.csv")

    def content():
        return data_files.content(data_files.resolve(f"{tmp_path}/{{SPAN}}.csv", settings))

    (tmp_path / "1.csv").write_text("a")
    before = content()
    (tmp_path / "notes.csv").write_text("of no span")
    assert content() == before
    (tmp_path / "2.csv").write_text("a")
    assert content() != before


def test_a_span_that_is_not_there_is_named_with_those_that_are(resolve):
    with pytest.raises(UserError, match=r"^data\.span is 3, which does not exist\. Known spans: 1, 2, 10$"):
        resolve(NUMBERED, "span-{SPAN}/*.csv", span=3)
    with pytest.raises(UserError, match=r"Known spans: 1, 2, \.\.\. 8"):
        resolve([f"{number}.csv" for number in range(1, 9)], "{SPAN}.csv", span=30)
    with pytest.raises(UserError, match=r"20241399\.csv: 2024-13-99 is not a date"):
        resolve(["20241399.csv"], "{YYYY}{MM}{DD}.csv")
    with pytest.raises(UserError, match=r"there is no file .*/none-\{SPAN\}\.csv"):
        resolve([], "none-{SPAN}.csv")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"path": "{SPAN}.csv"}, "20472"),
        ({"path": ["a.csv", "{YYYY}{MM}/{DD}.csv"]}, "2026-01-19"),
        ({"path": {"train": "{YYYY}-{MM}.csv", "test": "b.csv"}, "split": {"by": "files"}}, "2026-01-19"),
        ({"path": "a.csv", "spans": {"by": "week"}}, "2362-05-07"),
    ],
)
def test_messages_name_a_span_as_the_files_or_the_column_do(settings, name):
    assert span_names.shown(20472, Data.model_validate(settings).span_unit) == name


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_a_column_of_dates_is_cut_as_the_calendar_cuts_it(by):
    days = [datetime.date(1969, 12, 28) + datetime.timedelta(days=number) for number in range(0, 25_000, 11)]
    keys = row_times.keys(pa.array([day.isoformat() for day in days]), "day", "x.csv")
    span_names = [spans.from_number(number, by).shown for number in spans.numbers(keys, by, "day").tolist()]
    monday = [day - datetime.timedelta(days=day.weekday()) for day in days]

    assert (
        span_names
        == {
            "day": [day.isoformat() for day in days],
            "week": [day.isoformat() for day in monday],
            "month": [day.isoformat()[:7] for day in days],
        }[by]
    )


def test_numbers_are_no_dates():
    with pytest.raises(UserError, match=r"data\.spans cuts column 'day' by week: it must hold dates as YYYY-MM-DD"):
        spans.numbers(np.array([20240501]), "week", "day")
    with pytest.raises(UserError, match="not numbers"):
        spans.numbers(np.array([0.5]), "week", "day")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"path": "a-{MM}.csv"}, r"a span is \{SPAN\}, or a date"),
        ({"path": "a-{YYYY}-{DD}.csv"}, r"a span is \{SPAN\}, or a date"),
        ({"path": ["a-{YYYY}.csv", "b-{SPAN}.csv"]}, r"a span is \{SPAN\}, or a date"),
        ({"path": "a-{SPAN}.csv", "spans": {"by": "day"}}, "spans does nothing where path has"),
        ({"span": 3}, "span needs spans"),
        ({"window": 3}, "window needs spans"),
        ({"path": "a-{VERSION}.csv", "window": 3}, "window needs spans"),
        ({"spans": {"by": "year"}}, "'day', 'week' or 'month'"),
        ({"path": "a-{SPAN}.csv", "window": 0}, "greater than or equal to 1"),
    ],
)
def test_keys_of_spans_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        Data(**{"path": "x.csv", **keys})
