import pytest

from inspection.read.evaluations import Cell
from inspection.report.sections import metrics_section


def cell(city, mae, count):
    return Cell(slice={"city": city}, count=count, metrics={"mae": mae})


@pytest.mark.parametrize(("least", "order"), [(30, "bacd"), (0, "dbac"), (100, "dbac")])
def test_slices_of_few_rows_stand_behind_the_worst(least, order):
    cells = [cell("a", 2.0, 31.0), cell("b", 5.0, 30.0), cell("c", 1.0, 99.0), cell("d", 156.0, 10.0)]
    cells.append(Cell(slice={"city": "e"}, count=99.0, metrics={"mae": None}))

    assert "".join(one.slice["city"] for one in metrics_section.worst_first(cells, "mae", least)) == order


def test_the_least_rows_are_the_evaluators():
    assert metrics_section.least_rows({"worst_count": 30}) == 30
    assert metrics_section.least_rows({}) == 0
