import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from inspection.read.column_statistics import Column, distance
from inspection.read.metric_direction import is_worse, lower_is_better
from inspection.run_configuration import flat

SCHEMA = 'feature { name: "area" type: FLOAT float_domain { min: %s } } feature { name: "%s" type: BYTES }'


@pytest.fixture
def make(writer: Any, tmp_path: Path, write_statistics: Any) -> Any:
    """Make a run with all files of the runner."""

    def made(name: str, *, bounds: Any, words: Any, low: int, city: str, config: Any, metrics: Any) -> Path:
        folder = tmp_path / name
        rows = 100
        write_statistics(
            folder / "statistics/Split-train", rows=rows, numbers={"area": (bounds[1], 1.0, bounds)}, words=words
        )
        (folder / "schema").mkdir()
        (folder / "schema/schema.pbtxt").write_text(SCHEMA % (low, city))
        (folder / "evaluation").mkdir()
        overall, *slices = metrics
        verdict = {"blessed": True, "reason": "", "metrics": overall, "rules": [], "intervals": {"r2": [0.6, 0.9]}}
        verdict["slices"] = [{"slice": {"city": key}, "count": 5, "metrics": value} for key, value in slices]
        (folder / "evaluation/verdict.json").write_text(json.dumps(verdict))
        (folder / "run.json").write_text(json.dumps({"config": config, "versions": {"tfx": "1.16.0"}}))
        run = writer.run(name, run_folder=str(folder))
        counts = {"examples": {"rows": json.dumps({"train": rows + low})}}
        run.node("ingestion", outputs=[("examples", "Examples")], facts=counts, code=city)
        for node, kind in (("schema", "Schema"), ("statistics", "ExampleStatistics"), ("trainer", "Model")):
            run.node(node, outputs=[(node, kind)], uri=str(folder / node))
        run.node("evaluator", outputs=[("evaluation", "ModelEvaluation")], uri=str(folder / "evaluation"))
        return folder

    return made


@pytest.fixture
def two(make: Any) -> None:
    make(
        "first",
        bounds=[0.0, 1.0, 2.0],
        words={"city": {"Rome": 50, "Bonn": 50}, "kind": {"x": 10}},
        low=1,
        city="city",
        config={"training": {"epochs": 5}, "features": {"numeric": [{"column": "area", "scale": "z_score"}]}},
        metrics=[{"mae": 10.0, "r2": 0.8, "f1": 0.5}, ("Rome", {"mae": 5.0}), ("Oslo", {"mae": 5.0})],
    )
    make(
        "second",
        bounds=[1.0, 2.0, 3.0],
        words={"city": {"Rome": 80, "Bonn": 20}, "kind": {"x": 12}},
        low=3,
        city="town",
        config={
            "training": {"epochs": 9},
            "features": {"numeric": [{"column": "new", "scale": None}, {"column": "area", "scale": "log1p"}]},
        },
        metrics=[{"mae": 9.0, "r2": 0.7, "auc": 0.5}, ("Rome", {"mae": 8.0}), ("Bonn", {"mae": 1.0})],
    )


def _differences(comparison: Any, section: str) -> list[Any]:
    return next(difference["differences"] for difference in comparison["sections"] if difference["name"] == section)


def test_long_values_are_cut(two: None, ask: Any, tmp_path: Path) -> None:
    for name, path in (("first", 60 * "a"), ("second", 61 * "b")):
        (tmp_path / name / "run.json").write_text(json.dumps({"config": {"data": {"path": path}}}))
    shown = ask("compare", "first", "second")
    assert f" {60 * 'a'} " in shown
    assert f" {57 * 'b'}..." in shown


def test_what_differs_comes_worst_first(two: None, ask: Any) -> None:
    compared = ask("compare", "first", "second", "--json")
    assert (compared["a"]["run_id"], compared["b"]["run_id"]) == ("first", "second")
    assert {
        difference["subject"]: (difference["a"], difference["b"]) for difference in _differences(compared, "config")
    } == {
        "training.epochs": (5, 9),
        "features.numeric[area].scale": ("z_score", "log1p"),
        "features.numeric[new].column": (None, "new"),
        "ingestion.code": ("city", "town"),
    }
    assert [
        (difference["subject"], difference["a"], difference["b"]) for difference in _differences(compared, "data")
    ] == [("rows.train", 101, 103)]
    assert [(difference["subject"], difference["aspect"]) for difference in _differences(compared, "schema")] == [
        ("city", "column"),
        ("town", "column"),
        ("area", "float_domain"),
    ]
    assert [
        (difference["subject"], difference["aspect"], difference["a"], difference["b"], round(difference["size"], 6))
        for difference in _differences(compared, "statistics")
    ] == [
        ("area", "mean", 1.0, 2.0, 0.5),
        ("city", "most frequent", "Rome (50.0%)", "Rome (80.0%)", 0.3),
        ("kind", "nulls", 0.9, 0.88, 0.02),
    ]
    assert [
        (difference["subject"], difference["where"], difference["aspect"], difference["worse"])
        for difference in _differences(compared, "metrics")
    ] == [
        ("mae", "city = Rome", "", True),
        ("r2", "", "inside A's 95 %", True),
        ("mae", "", "", False),
        ("f1", "", "", None),
        ("auc", "", "", None),
        ("(rows)", "city = Oslo", "", None),
        ("(rows)", "city = Bonn", "", None),
    ]


def test_the_text_has_the_content_of_the_json(two: None, ask: Any) -> None:
    lines = [" ".join(line.split()) for line in ask("compare", "first", "latest", "--limit", "2").splitlines()]
    assert "config: 4 differ, the first 2; --limit N shows more" in lines
    assert "area train 0.5 mean 1 2" in lines
    assert [
        line for line in lines if line.startswith("metrics: ") and "; measured on different rows (Examples " in line
    ]
    assert "mae city = Rome 5 8 60.00% worse -" in lines
    assert "r2 all rows 0.8 0.7 12.50% worse inside A's 95 %" in lines
    assert not [line for line in lines if line.startswith("f1")]
    # The last column is empty for the one metric that is shown, so it is omitted with its header.
    assert "mae city = Rome 5 8 60.00% worse" in " ".join(ask("compare", "first", "latest", "--limit", "1").split())


def test_equal_and_unknown_parts_are_reported(two: None, ask: Any, writer: Any, tmp_path: Path) -> None:
    answer = ask("compare", "first", "first")
    assert "config: equal\n" in answer
    assert "statistics: equal: both have ExampleStatistics 3" in answer
    (tmp_path / "second/schema/schema.pbtxt").write_text("damaged {")
    assert "schema.pbtxt is damaged" in ask("compare", "first", "second")
    writer.run("bare")
    assert "metrics: unknown: B has no ModelEvaluation" in ask("compare", "first", "bare")


def test_runs_may_be_named_by_their_models(two: None, ask: Any, writer: Any) -> None:
    [version] = writer.run("push").node(
        "pusher", inputs=[("model", 4)], outputs=[("p", "PushedModel")], facts={"p": {"pushed_version": "1795"}}
    )
    compared = ask("compare", "1795", "9", "--json")
    assert (version, compared["a"]["run_id"], compared["b"]["run_id"]) == (11, "first", "second")
    with pytest.raises(UserError, match=r"no run 'frist' in .*Did you mean 'first'\?"):
        ask("compare", "frist", "second")
    with pytest.raises(UserError, match="artifact 1 is of type Examples"):
        ask("compare", "1", "second")


def test_dated_spans_are_compared_by_their_dates(ask: Any, writer: Any, tmp_path: Path) -> None:
    for name, day in (("a", 20472), ("b", 20479), ("c", 20486)):
        folder = tmp_path / name
        folder.mkdir()
        run = writer.run(name, run_folder=str(folder))
        run.node("ingestion", outputs=[("examples", "Examples")], facts={"examples": {"span": day}})
        dates = {20472: "2026-01-19", 20479: "2026-01-26"}
        files = [{"span": date, "rows": {"train": 9} if date == dates.get(day) else {}} for date in dates.values()]
        (folder / "run.json").write_text(json.dumps({"files": files if day in dates else []}))

    def spans(*runs: str) -> list[Any]:
        compared = ask("compare", *runs, "--json")
        return [(row["a"], row["b"]) for row in _differences(compared, "data") if row["subject"] == "span"]

    assert spans("a", "b") == [("2026-01-19", "2026-01-26")]
    assert spans("b", "c") == [("2026-01-26", 20486)], "as an earlier version recorded it"


def test_runs_of_two_pipelines_are_compared_in_a_pipe_with_few_lines(two: None, ask: Any, writer: Any) -> None:
    cars = writer.run("cars-1", pipeline="cars")
    cars.node("trainer", learning_rate="0.1")
    lines = [" ".join(line.split()) for line in ask("compare", "first", "cars-1", "--limit", "1").splitlines()]
    assert "pipeline houses cars" in lines
    assert [
        line for line in lines if line.startswith("config: ") and line.endswith("the first 1; --limit N shows more")
    ]
    assert "metrics: unknown: B has no ModelEvaluation" in lines


def test_another_runner_s_settings_are_its_nodes_properties(writer: Any, ask: Any) -> None:
    for name, steps in (("a", 100), ("b", 200)):
        run = writer.run(name)
        run.node("trainer", train_args=json.dumps({"num_steps": steps, "splits": ["train"]}), run_fn="my.run_fn")
    compared = ask("compare", "a", "b", "--json")
    assert [
        (difference["subject"], difference["a"], difference["b"]) for difference in _differences(compared, "config")
    ] == [("trainer.train_args.num_steps", 100, 200)]


def _numbers(*bounds: float, rows: float = 10.0) -> Column:
    quantiles = tuple((low, high, rows) for low, high in itertools.pairwise(bounds))
    return Column(name="c", type="FLOAT", count=1, nulls=0, quantiles=quantiles)


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        (_numbers(0, 1, 2), _numbers(0, 1, 2), 0.0),
        (_numbers(0, 1, 2), _numbers(5, 6), 1.0),
        (_numbers(0, 2), _numbers(1, 3), 0.5),
        (_numbers(3, 3), _numbers(3, 3), 0.0),
        (_numbers(3, 3), _numbers(4, 4), 1.0),
        (_numbers(0, 0, 0, 1), _numbers(0, 1), 2 / 3),
        (_numbers(-math.inf, 0, 1), _numbers(0, 1), 0.5),
    ],
)
def test_numbers_are_as_far_apart_as_their_cumulative_shares(first: Column, second: Column, apart: float) -> None:
    assert distance(first, second) == pytest.approx(apart)
    assert distance(second, first) == pytest.approx(apart)


def test_words_are_as_far_apart_as_tfdv_s_l_infinity_norm() -> None:
    first = Column(name="c", type="STRING", count=1, nulls=0, shares={"a": 0.5, "b": 0.5})
    second = Column(name="c", type="STRING", count=1, nulls=0, shares={"a": 0.9, "c": 0.1})
    assert distance(first, second) == pytest.approx(0.5)
    assert distance(first, first) == 0
    empty = Column(name="c", type="STRING", count=0, nulls=9)
    assert distance(empty, empty) is None


def test_which_way_is_better_agrees_with_the_evaluator() -> None:
    from components.evaluator import metric_catalog
    from inspection.read import metric_direction

    metrics = [metric for metric in metric_catalog.built_in() if not metric.only_tfma]
    for metric in metrics:
        if metric.best is None:
            assert lower_is_better(metric.name) == metric.lower_is_better, metric.name
    assert {
        metric.name: metric.best for metric in metrics if metric.best is not None
    } == metric_direction.NEAREST_IS_BEST


@pytest.mark.parametrize(
    ("metric", "baseline", "value", "worse"),
    [
        ("mae", 1.0, 2.0, True),
        ("precision[cheap]", 0.5, 0.6, False),
        ("bias", -5.0, 1.0, False),
        ("calibration", 1.0, 0.5, True),
        ("r2", 0.5, None, True),
        ("r2", None, 0.5, False),
        ("MeanAbsoluteError", 1.0, 2.0, True),
        ("BinaryCrossentropy", 1.0, 2.0, True),
        ("output/AUC@3", 0.5, 0.4, True),
        ("mean_label", 1.0, 2.0, None),
        ("auc", 0.5, 0.5, None),
    ],
)
def test_which_way_is_worse(metric: str, baseline: float | None, value: float | None, worse: bool | None) -> None:
    assert is_worse(metric, baseline, value) is worse


def test_settings_have_dotted_keys() -> None:
    value = {"a": {"b": 1, "c": [1, 2]}, "d": [{"columns": ["x", "y"], "n": 2}, {"n": 3}], "e": {}}
    assert dict(flat(value)) == {
        "a.b": 1,
        "a.c": [1, 2],
        "d[x x y].columns": ["x", "y"],
        "d[x x y].n": 2,
        "d[1].n": 3,
        "e": {},
    }
