"""The gates on what cells hold."""

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.data_checks import placeholders, sentinels

from ..flats import one, rows

ALL = "data.split=all"


def test_spellings_of_one_category_are_named_with_the_key(flats, gated):
    cities = ("Bern", "BERN", "Chur")
    flats.data(flats.HEADER + rows(60, city=lambda row: cities[row % 3]))
    finding = one(gated.found(ALL))

    assert (finding["gate"], finding["column"], finding["action"]) == ("spellings", "city", "warn")
    assert finding["text"] == (
        "values that differ only by case count as different categories: 'BERN' (20), 'Bern' (20); 'city' in "
        "data.fold_case merges them"
    )
    assert gated.found(ALL, "gates.spellings=off") == []
    assert gated.found(ALL, "data.fold_case=['city']") == []


def test_codes_of_one_letter_are_not(flats, gated):
    flats.data(flats.HEADER + rows(60, city=lambda row: "aAb"[row % 3]))

    assert gated.found(ALL) == []


@pytest.mark.parametrize("marker", [-999, 99999])
def test_a_number_far_from_all_others_is_named_with_the_key(flats, gated, marker):
    flats.optional("area")
    flats.data(flats.HEADER + rows(400, area=lambda row: marker if row % 10 == 0 else 40 + row % 57 / 2))
    optional = 'features.numeric=[{column="area", missing="mean"}]'
    finding = one(gated.found(ALL, optional))

    assert (finding["gate"], finding["column"], finding["action"]) == ("sentinels", "area", "warn")
    assert finding["text"] == (
        f"{marker} in 40 of 400 rows (10 %) is far from all other numbers and probably stands for null: "
        f"data.column_null_values = {{area = [{marker}]}} reads it as null"
    )
    assert gated.found(ALL, optional, "gates.sentinels=off") == []
    assert gated.found(ALL, optional, f"data.column_null_values={{area = [{marker}]}}") == []


@pytest.mark.parametrize("markers", [(-999, 9999), (999, 9999), (-99, -9)], ids=str)
def test_each_of_several_numbers_far_from_all_others_is_named(flats, gated, markers):
    flats.optional("area")
    flats.data(flats.HEADER + rows(400, area=lambda row: dict(enumerate(markers)).get(row % 10, 4 + row % 57 / 20)))
    finding = one(gated.found(ALL, 'features.numeric=[{column="area", missing="mean"}]'))

    assert finding["text"] == (
        f"{markers[0]} in 40 and {markers[1]} in 40 of 400 rows (20 %) are far from all other numbers and probably "
        f"stand for null: data.column_null_values = {{area = [{markers[0]}, {markers[1]}]}} reads them as null"
    )


def test_a_number_among_the_others_is_not_named_with_one_that_is_far_from_them(flats, gated):
    flats.data(flats.HEADER + rows(400, area=lambda row: 9999 if row % 10 == 0 else row % 40 - 9))

    assert [finding["text"][:6] for finding in gated.found(ALL)] == ["9999 i"]


@pytest.mark.parametrize("area", [lambda row: 40 + row, lambda row: 9 if row % 10 else 40, lambda row: -100 + row])
def test_other_numbers_are_not(flats, gated, area):
    flats.data(flats.HEADER + rows(200, area=area))

    assert gated.found(ALL) == []


@pytest.mark.parametrize(
    ("number", "share", "low", "high", "stands"),
    [
        (-999, 0.01, 0, 100, True),
        (-999, 0.009, 0, 100, False),
        (99, 0.1, 0, 80, False),
        (99, 0.1, 1, 5, True),
        (-1, 0.5, 0, 0.1, False),
        (998, 0.5, 0, 10, False),
        (99.5, 0.5, 0, 10, False),
        (9, 0.5, 0, 1, False),
        (-9, 0.5, 0, 4, True),
        (float("-inf"), 0.5, 0, 4, False),
    ],
)
def test_what_stands_out(number, share, low, high, stands):
    assert sentinels.is_sentinel(number, share, low, high) == stands


def test_a_new_value_in_another_spelling_of_a_known_one_is_named(flats, gated):
    values = 'string_domain { name: "cities" value: "Bern" value: "Chur" }'
    flats.data(flats.HEADER + rows(60, city=lambda row: ("Bern", "Chur", "BERN")[row % 3]))
    flats.schema(flats.SCHEMA.replace("type: BYTES", 'type: BYTES domain: "cities"') + values)
    refused = [anomaly for anomaly in gated.found(ALL) if anomaly["gate"] == "schema"]
    mass = "distribution_constraints { min_domain_mass: 0.1 }"
    flats.schema(flats.SCHEMA.replace("type: BYTES", f'type: BYTES domain: "cities" {mass}') + values)
    warned = [anomaly for anomaly in gated.found(ALL) if anomaly["gate"] == "unseen"]

    for finding in (one(refused), one(warned)):
        assert "'BERN' differs from 'Bern' only by case: data.fold_case merges them" in finding["text"]


def test_each_number_that_stands_for_null_is_a_bucket_of_its_rank():
    figures = statistics_pb2.FeatureNameStatistics()
    ends = placeholders.of([pa.array([-999.0] * 5 + [9999.0] * 5 + [1.0, 2.0, 3.0] * 10)])
    placeholders.write(figures, ends, 40)
    [histogram] = figures.custom_stats
    ranks = [(bucket.low_rank, bucket.high_rank, bucket.label) for bucket in histogram.rank_histogram.buckets]
    assert ranks == [(0, 0, "-999"), (1, 1, "9999")]
    assert placeholders.read(figures) == {-999: 5, 9999: 5}
