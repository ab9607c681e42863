"""The worst slices of an evaluation, and what else the report shows of verdict.json."""

import json
from types import SimpleNamespace

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.read.evaluations import Cell, CutSlicing, Evaluation, WorstRow, read_evaluation
from inspection.report import model_card
from inspection.report.sections import metrics_section


def cell(city, mae, count):
    return Cell(slice={"city": city}, count=count, metrics={"mae": mae})


@pytest.mark.parametrize(("least", "order"), [(30, "bacd"), (0, "dbac"), (100, "dbac")])
def test_slices_of_few_rows_stand_behind_the_worst(least, order):
    cells = [cell("a", 2.0, 31.0), cell("b", 5.0, 30.0), cell("c", 1.0, 99.0), cell("d", 156.0, 10.0)]
    cells.append(Cell(slice={"city": "e"}, count=99.0, metrics={"mae": None}))

    assert "".join(entry.slice["city"] for entry in metrics_section.worst_first(cells, "mae", least)) == order


def test_what_the_report_shows_of_a_verdict_is_read(tmp_path):
    verdict = {"metrics": {}, "rules": [], "blessed": True, "reason": ""}
    path = tmp_path / "verdict.json"
    artifact = pb.Artifact(uri=str(tmp_path))
    path.write_text(json.dumps(verdict))
    older = read_evaluation(artifact)
    assert (older.min_slice_rows, older.worst, older.unmeasured, older.classes) == (0, (), (), None)

    cut = {"slicing": ["city"], "slices": 120, "kept": 100, "rows_left": 7}
    worst = {"row": 3, "id": "a", "label": 1.0, "answer": 9.0, "error": 8.0}
    path.write_text(json.dumps({**verdict, "worst_count": 30, "slices_left_out": [cut], "worst": [worst]}))
    evaluation = read_evaluation(artifact)
    assert evaluation.min_slice_rows == 30
    assert evaluation.unmeasured == (CutSlicing(**cut),)
    assert evaluation.worst == (WorstRow(row=3, id="a", label=1.0, prediction=9.0, error=8.0),)


def test_the_card_has_the_coverage_of_slices_if_there_are_intervals():
    def lines(**interval_metrics):
        cells = [Cell(slice={}, count=200.0, metrics={"mae": 2.0, **interval_metrics})]
        cells += [Cell(slice={"city": "bern"}, count=90.0, metrics={"mae": 3.0, **interval_metrics})]
        evaluation = Evaluation(
            blessed=None,
            reason="",
            split="test",
            task="regression",
            cells=tuple(cells),
            rules=(),
            min_slice_rows=30,
        )
        return list(model_card._metrics(SimpleNamespace(evaluation=evaluation)))

    assert lines(coverage=0.895)[-3:] == [
        "| worst slices, of 30 rows or more | rows | mae | 95 % interval | coverage |",
        "| --- | --- | --- | --- | --- |",
        "| city = bern | 90 | 3 | unknown | 0.895 |",
    ]
    assert lines()[-1] == "| city = bern | 90 | 3 | unknown |"
