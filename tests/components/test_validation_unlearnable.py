"""What no gate lets through, whatever its action: labels without a logarithm, weights below 0 or of 0 alone."""

import pytest

from ..flats import one, rows


@pytest.mark.parametrize("action", ["block", "warn", "off"])
def test_labels_without_a_logarithm_stop_the_run_with_lines_and_edits(flats, gated, action):
    flats.schema(flats.SCHEMA.replace("int_domain { min: 1 max: 9000 }", ""))
    flats.data(flats.HEADER + rows(40, rent=lambda row: 900 + row if row != 7 else -2))
    finding = one(gated.found("data.split=all", "label.transform=log", f"gates.label={action}"))

    assert (finding["gate"], finding["action"], finding["measured"]) == ("label", "block", -2)
    assert finding["text"] == 'contains -2, but label.transform = "log" requires numbers above 0'
    assert finding["edit"].startswith('label.transform = "signed_log" in the config; or skip')
    assert [row["line"] for row in finding["rows"]] == [9]
    assert gated.found("data.split=all", "label.transform=signed_log") == []
    assert gated.found("data.split=all", "label.transform=log", "data.exclude=['rent <= 0']") == []


def test_weights_that_are_all_zero_stop_the_run(flats, gated):
    flats.data(flats.HEADER + rows(40, area=lambda row: 0))
    weighted = ["data.split=all", "features.numeric=[]", "columns.weight=area"]
    finding = one(gated.found(*weighted))

    assert (finding["gate"], finding["action"]) == ("label", "block")
    assert (
        finding["text"]
        == "the weight column 'area' is 0 in every row, so no row counts: fix it, or remove columns.weight"
    )
    assert finding["splits"] == ["train", "eval", "test"]
    flats.data(flats.HEADER + rows(40, area=lambda row: row % 2))
    assert gated.found(*weighted) == []


@pytest.mark.parametrize("action", ["block", "off"])
def test_a_negative_weight_stops_the_run_with_line_and_edit(flats, gated, action):
    flats.data(flats.HEADER + rows(40, area=lambda row: -3 if row == 5 else row))
    weighted = ["data.split=all", "features.numeric=[]", "columns.weight=area", f"gates.label={action}"]
    finding = one(gated.found(*weighted))

    assert (finding["gate"], finding["action"], finding["measured"]) == ("label", "block", -3)
    assert finding["text"] == "contains -3, but a weight must be a number of 0 or more"
    assert finding["edit"] == 'fix it, or skip such rows with data.exclude = ["area < 0"]'
    assert [row["line"] for row in finding["rows"]] == [7]
    assert gated.found(*weighted, "data.exclude=['area < 0']") == []
