"""The gates on rows that are equal: on both sides of a split, and under several labels."""

import pytest

from ..flats import one

SPLIT = "data.split={by='hash', column='city', train=1, eval=1, test=1}"
CLASSES = ["label.task=classes", "gates.label=off", "features.numeric=[{column='area'}]"]
LABELS = ["label.classes=['900', '901', '902']", *CLASSES]


def table(*rows):
    return "area,city,rent\n" + "".join(f"{area},{city},{rent}\n" for area, city, rent in rows)


def test_a_feature_that_divides_the_rows_counts_when_they_are_compared(flats, gated):
    flats.data(table(*((40, f"text {row % 60}", 900 + row % 2) for row in range(240))))

    assert gated.found(SPLIT) == []
    finding = one(gated.found(SPLIT, "features.categorical=[]", "features.ignored=['city']"))
    assert finding["gate"] == "duplicates"
    assert finding["measured"] == 1.0
    assert finding["edit"] == 'split by what such rows share: data.split = {by = "hash", column = COLUMN}'


@pytest.mark.parametrize("split", ["data.split=hash", "data.split=all", SPLIT])
def test_equal_rows_of_several_classes_are_counted_whatever_divides_them(flats, gated, split):
    flats.data(table(*((40 + row // 3, f"c{row // 3}", 900 + (row % 3 == 2) * (row < 90)) for row in range(180))))
    finding = one(gated.found(*LABELS, split))

    assert (finding["gate"], finding["action"]) == ("contradictions", "warn")
    assert finding["text"].startswith(
        "90 of 180 rows (50 %) have equal features but different labels, above the limit of 0: "
    )
    assert finding["text"].endswith("no model can predict more than 83.33 % of all rows correctly")
    assert gated.found(*LABELS, split, finding["edit"].removesuffix(" in the config")) == []
    blocked = one(gated.found(*LABELS, split, "gates.contradictions=block"))
    assert [row["line"] for row in blocked["rows"]] == list(range(2, 22))


def test_rows_that_differ_only_in_what_the_model_does_not_read_have_equal_features(flats, gated):
    flats.data(table(*((40 + row // 2, f"c{row}", 900 + row % 2) for row in range(60))))
    settings = [*LABELS, "data.split=all", "features.categorical=[]"]

    assert gated.found(*LABELS, "data.split=all") == []
    finding = one(gated.found(*settings, "features.ignored=['city']", "gates.contradictions=block"))
    assert finding["text"].startswith(
        "60 of 60 rows (100 %) have equal features but different labels, above the limit of 0"
    )
    assert [row["line"] for row in finding["rows"]] == list(range(2, 22))


def test_rows_of_one_class_that_differ_in_what_the_model_does_not_read_are_no_contradiction(flats, gated):
    flats.data(table(*((40 + row // 2, f"c{row}", 900 + (row % 2) * (row < 4)) for row in range(60))))
    settings = [*LABELS, "data.split=all", "features.categorical=[]", "features.ignored=['city']"]

    assert one(gated.found(*settings))["text"].startswith(
        "4 of 60 rows (6.667 %) have equal features but different labels, above the limit of 0"
    )
    assert "no model can predict more than 96.67 % of all rows correctly" in one(gated.found(*settings))["text"]


def test_equal_rows_with_other_numbers_are_no_contradiction(flats, gated):
    flats.data(table(*((40, "Bern", 900 + row % 7) for row in range(180))))

    assert gated.found("data.split=hash") == []


def test_other_numbers_of_one_tier_are_no_contradiction(flats, gated):
    flats.data(table(*((40, "Bern", 900 + row % 7) for row in range(180))))

    assert gated.found("data.split=hash", "label.task=classes", "label.tiers=2") == []


def test_no_gate_offers_to_let_nearly_all_through(flats, gated):
    flats.optional("city")
    city = ['features.categorical=[{column="city", missing="category"}]', "data.split=all"]
    for blank, edit in (
        (36, "gates.missing.columns.city = 0.9 in the config"),
        (38, "remove 'city' from [features] in the config"),
    ):
        flats.data(table(*((40 + row, "" if row < blank else "Bern", 900 + row % 50) for row in range(40))))
        assert one(gated.found(*city))["edit"] == edit
    flats.data(table(*((40, "Bern", 900 + row % 2) for row in range(40))))
    finding = one(gated.found(*LABELS, *city))
    assert finding["edit"] == "add a column to [features] that distinguishes such rows"
