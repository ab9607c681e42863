"""The arithmetic of `make quality`: errors, ratios, ranks, and which tables may steer choices."""

import sys

import numpy as np
import pytest

import benchmarks.quality.__main__ as quality
from benchmarks.quality import judge, quality_document, tables
from benchmarks.quality.boosted_trees import TREES
from benchmarks.quality.quality_document import Result


def result(table, seed, own_error, trees):
    return Result(
        table=table.name,
        seed=seed,
        config="c",
        network="tabm",
        seconds=60.0,
        metric="RMSE",
        rows={"train": 800, "eval": 100, "test": 100},
        errors={"ours": own_error, **dict(zip(TREES, trees, strict=True))},
        tree_seconds=dict.fromkeys(TREES, 1.0),
        bytes=250_000.0,
        one_row=300.0,
        many_rows=2.0,
    )


def test_half_of_the_tables_of_each_task_may_be_looked_at():
    for task in ("regression", "binary", "classes"):
        tables_of_task = [table for table in tables.TABLES if table.task == task]
        assert [table.rows for table in tables_of_task] == sorted(table.rows for table in tables_of_task)
        assert sum(map(tables.used, tables_of_task)) * 2 == len(tables_of_task)
    assert len(tables.TABLES) >= 12
    assert len({table.name for table in tables.TABLES}) == len(tables.TABLES)


def test_errors_are_those_of_the_tasks():
    assert judge.error("regression", np.array([1.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx(2**0.5)
    chances = np.array([[0.8, 0.2], [0.4, 0.6], [0.7, 0.3], [0.1, 0.9]])
    assert judge.error("binary", np.array([0, 1, 1, 1]), chances) == 0.0
    assert judge.error("binary", np.array([1, 0, 1, 1]), chances) == pytest.approx(2 / 3)
    assert judge.error("classes", np.array([0, 1]), chances[:2]) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert judge.error("classes", np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(16.118, rel=1e-3), "finite"


def test_equal_errors_share_their_mean_rank():
    assert quality_document.ranks({"a": 0.2, "b": 0.1, "c": 0.2, "d": 0.3}) == {"a": 2.5, "b": 1, "c": 2.5, "d": 4}


def test_ratios_of_errors_near_zero_are_bounded():
    assert quality_document.ratio(0.0, 1e-9) == 1
    assert quality_document.ratio(0.01, 0.0) == pytest.approx(10)


def test_the_summary_is_of_means_over_seeds():
    first_table, second_table = tables.TABLES[:2]
    results_by_table = {
        first_table: [result(first_table, 1, 1.0, (2, 2, 2, 2)), result(first_table, 2, 3.0, (2, 2, 2, 2))],
        second_table: [result(second_table, 1, 1.0, (4, 2, 0.5, 1))],
    }
    rows = {
        line.split(" | ")[0][2:]: line.split(" | ")[1:]
        for line in quality_document.summary(results_by_table).splitlines()
    }
    assert rows["ours"][0] == "2.75", "3, the mean of five equal ones, and 2.5, shared with one"
    assert rows["LightGBM"][1:] == ["0.707", "1.000 |"]
    assert rows["XGBoost"][1:] == ["1.414", "2.000 |"]


def test_the_document_names_what_was_not_measured():
    table = next(table for table in tables.TABLES if tables.used(table))
    text = quality_document.text([result(table, 1, 1.0, (1, 2, 3, 4))], "a machine")
    used, final = text.split("### Run at the end")
    assert f"| {table.name} |" in used
    assert all(measured_at_end.name in final for measured_at_end in tables.TABLES if not tables.used(measured_at_end))
    assert "Not measured" in used


def test_a_failed_table_does_not_stop_the_others(monkeypatch, tmp_path):
    measured = []

    def one(folder, table, seed, python):
        measured.append((table.name, seed))
        return int(table.name == "meats")

    monkeypatch.setattr(quality, "_prepare", lambda folder, python: 0)
    monkeypatch.setattr(quality, "_one", one)
    names = ["wine", "meats"]
    monkeypatch.setattr(sys, "argv", ["quality", *names, "--seeds", "1", "2", "--folder", str(tmp_path)])

    assert quality.main() == 1
    assert measured == [("meats", 1), ("wine", 1), ("meats", 2), ("wine", 2)]


def test_nothing_is_measured_without_the_tables(monkeypatch, tmp_path):
    monkeypatch.setattr(quality, "_prepare", lambda folder, python: 1)
    monkeypatch.setattr(quality, "_one", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr(sys, "argv", ["quality", "wine", "--folder", str(tmp_path)])

    assert quality.main() == 1
