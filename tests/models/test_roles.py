import pytest
from pydantic import ValidationError

from models import roles
from models.features import categorical, numeric
from spec.columns.label import Label


def features(**sections):
    return roles.Features.model_validate(sections)


def test_outputs_stand_in_the_order_of_the_roles_not_of_the_config():
    parsed = features(
        date=[{"column": "day", "parts": ["month", "days"]}],
        crossed=[{"columns": ["lat", "zip"], "buckets": 50}],
        categorical=[{"column": "zip"}],
        bucketized=[{"column": "lat", "quantiles": 4}, {"column": "age", "edges": [18, 65]}],
        numeric=[{"column": "lat"}],
    )

    assert [(output.name, output.depth) for output in parsed.outputs()] == [
        ("lat", None),
        ("lat_bucket", 4),
        ("age_bucket", 3),
        ("zip_index", 0),
        ("lat_x_zip", 50),
        ("day_month", 12),
        ("day_days", None),
    ]


def test_columns_are_named_once_in_order_of_first_use_and_without_ignored_ones():
    parsed = features(
        numeric=[{"column": "lat"}, {"column": "age"}],
        bucketized=[{"column": "lat", "quantiles": 4}, {"column": "long", "quantiles": 4}],
        crossed=[{"columns": ["long", "lat"], "buckets": 50}],
        ignored=["id"],
    )

    assert parsed.columns() == ("lat", "age", "long")


def test_every_role_but_ignored_makes_features():
    assert roles.shipped() == (
        "numeric", "bucketized", "categorical", "hashed", "embedded", "crossed", "text", "image", "date", "passthrough",
    )  # fmt: skip


def test_buckets_for_a_cross_alone_are_no_feature():
    parsed = features(
        bucketized=[{"column": "lat", "quantiles": 4, "input": False}, {"column": "long", "quantiles": 4}],
        crossed=[{"columns": ["lat", "long"], "buckets": 16}],
    )

    assert [output.name for output in parsed.outputs()] == ["long_bucket", "lat_x_long"]
    assert parsed.columns() == ("lat", "long")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "give either quantiles = N or edges"),
        ({"quantiles": 3, "edges": [1.0]}, "give either quantiles = N or edges"),
        ({"edges": []}, "edges must rise"),
        ({"edges": [2.0, 1.0]}, "edges must rise"),
        ({"edges": [1.0, 1.0]}, "edges must rise"),
        ({"quantiles": 1}, "greater than or equal to 2"),
    ],
)
def test_buckets_need_one_rule(entry, message):
    with pytest.raises(ValidationError, match=message):
        features(bucketized=[{"column": "lat", **entry}])


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"numeric": [{"column": "a"}, {"column": "a", "scale": "none"}]}, "the same feature 'a'"),
        ({"numeric": [{"column": "a_bucket"}], "bucketized": [{"column": "a", "quantiles": 2}]}, "feature 'a_bucket'"),
        ({"date": [{"column": "a", "parts": ["month", "month"]}]}, "the same feature 'a_month'"),
        ({"numeric": [{"column": "a"}], "ignored": ["a"]}, "column 'a' is both ignored and used"),
        (
            {"numeric": [{"column": "a"}, {"column": "b"}], "crossed": [{"columns": ["a", "b"], "buckets": 9}]},
            "crossed column 'a' must also be listed under bucketized or categorical",
        ),
        (
            {"categorical": [{"column": "a"}], "crossed": [{"columns": ["a", "b"], "buckets": 9}]},
            "crossed column 'b' must also be listed",
        ),
        ({"categorical": [{"column": "a"}], "crossed": [{"columns": ["a"], "buckets": 9}]}, "at least 2 items"),
        (
            {
                "bucketized": [{"column": "a", "quantiles": 2}],
                "categorical": [{"column": "a"}, {"column": "b"}],
                "crossed": [{"columns": ["a", "b"], "buckets": 9}],
            },
            "crossed column 'a' is listed under bucketized and categorical",
        ),
        ({"numeric": [{"column": "label"}]}, "feature 'label', which is the transformed label"),
        ({"numeric": [{"column": "km/h"}]}, "feature 'km/h' has a slash"),
    ],
)
def test_clashes_are_refused(sections, message):
    with pytest.raises(ValidationError, match=message):
        features(**sections)


def test_whole_numbers_are_words_where_a_value_is_meant():
    parsed = features(categorical=[{"column": "code", "categories": [3, "1"], "missing": 0}])

    assert parsed.of("categorical")[0].categories == ("3", "1")
    assert parsed.of("categorical")[0].missing == "0"
    assert Label.model_validate({"column": "y", "task": "binary", "positive": 1}).positive == "1"


@pytest.mark.parametrize(
    ("entry", "depth"),
    [
        ({}, 0),
        ({"categories": ["a", "b"]}, 2),
        ({"categories": ["a", "b"], "oov": 1}, 3),
        ({"categories": ["a", "b"], "missing": "category"}, 3),
        ({"categories": ["a", "b"], "missing": "a"}, 2),
    ],
)
def test_a_given_vocabulary_has_no_bucket_for_others_unless_asked(entry, depth):
    assert categorical.Settings.model_validate({"column": "a", **entry}).depth == depth
    assert categorical.Settings.model_validate({"column": "a"}).num_oov == 1


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"date": [{"column": "day", "missing": "never"}]}, "missing must be a date written YYYY-MM-DD"),
        ({"numeric": [{"column": "a", "missing": float("nan")}]}, "finite number"),
        ({"numeric": [{"column": "a", "clip": [0, float("inf")]}]}, "finite number"),
        ({"bucketized": [{"column": "a", "edges": [float("-inf"), 1.0]}]}, "finite number"),
        ({"categorical": [{"column": "a", "categories": [True]}]}, "valid string"),
    ],
)
def test_values_must_be_of_their_kind(sections, message):
    with pytest.raises(ValidationError, match=message):
        features(**sections)


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"numeric": [{"column": "a", "scael": "none"}]}, "numeric.0.scael"),
        ({"categorical": [{"column": "a", "size": 3}]}, "categorical.0.size"),
        ({"numbers": []}, "numbers"),
    ],
)
def test_an_unknown_key_is_an_error_at_its_place(sections, key):
    with pytest.raises(ValidationError, match=rf"(?m)^{key}\n  Extra inputs are not permitted"):
        features(**sections)


def test_settings_are_frozen():
    entry = numeric.Settings(column="a")
    with pytest.raises(ValidationError, match="frozen"):
        entry.scale = "none"


def test_a_round_trip_through_json_changes_nothing():
    parsed = features(
        numeric=[{"column": "lat", "scale": "min_max"}],
        bucketized=[{"column": "lat", "edges": [1.5, 2.5]}],
        categorical=[{"column": "zip", "oov": 2, "vocabulary_size": 7, "min_frequency": 3}],
        crossed=[{"columns": ["lat", "zip"], "buckets": 50}],
        date=[{"column": "day"}],
        ignored=["id"],
    )

    assert roles.Features.model_validate_json(parsed.model_dump_json(by_alias=True)) == parsed
