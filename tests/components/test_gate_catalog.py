"""What [gates] takes."""

import pytest
from pydantic import ValidationError

from components.validation.gate_catalog import Gates
from errors import UserError
from pipeline import schema_columns
from pipeline.config import Config

COLUMNS = {"area": "FLOAT", "city": "BYTES", "note": "BYTES", "sold": "BYTES", "key": "INT", "rent": "INT"}


def make(**sections):
    least = {
        "data": {"path": "x"},
        "features": {"numeric": [{"column": "area"}], "categorical": [{"column": "city"}]},
        "label": {"column": "rent"},
    }
    return Config.model_validate({**least, **sections})


def test_an_action_alone_is_short_for_a_table():
    assert Gates.model_validate({"drift": "block"}).drift == Gates.model_validate({"drift": {"action": "block"}}).drift
    assert Gates.model_validate({"rows": "off"}).rows.min_ratio == 0.5


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ({"drift": "stop"}, r"(?s)drift\.action.*'warn', 'block' or 'off'"),
        ({"drift": {"limit": 1}}, r"(?s)drift\.limit.*not permitted"),
        ({"missing": {"max_share": 1.5}}, r"(?s)missing\.max_share.*less than or equal to 1"),
        ({"rows": {"max_ratio": 0.5}}, r"(?s)rows\.max_ratio.*greater than or equal to 1"),
        ({"label": {"min_value": 2, "max_value": 1}}, "label: min_value is above max_value"),
        ({"label": {"min_count": 5}}, r"gates\.label\.min_count has no effect for task 'regression': remove it"),
    ],
)
def test_what_cannot_be_is_refused(gates, message):
    with pytest.raises(ValidationError, match=message):
        make(gates=gates)


def test_a_range_is_for_numbers_alone():
    label = {"column": "rent", "task": "binary", "threshold": 1000}
    with pytest.raises(ValidationError, match=r"gates\.label\.max_value has no effect for task 'binary': remove it"):
        make(gates={"label": {"max_value": 1}}, label=label)
    assert make(gates={"label": {"min_count": 9}}, label=label).gates.label.min_count == 9


@pytest.mark.parametrize("gate", ["missing", "unseen", "drift", "skew"])
def test_a_column_that_is_named_is_in_the_schema(gate):
    config = make(gates={gate: {"columns": {"are": 0.1}}})
    with pytest.raises(UserError, match=rf"gates\.{gate}\.columns names 'are', which .* Did you mean 'area'\?"):
        schema_columns.check_columns("flats", config, COLUMNS)


def test_what_is_watched_is_what_the_model_reads():
    features = {
        "numeric": [{"column": "area"}],
        "categorical": [{"column": "city"}],
        "text": [{"column": "note"}],
        "date": [{"column": "sold", "parts": ["year"]}],
        "ignored": ["key"],
    }
    watched = make(features=features, columns={"time": "sold"}).watched(COLUMNS)

    assert watched == {
        "used": ["area", "city", "note", "sold", "rent"],
        "compared": ["area", "city", "rent"],
        "categories": ["city"],
    }


def test_with_a_function_of_your_own_all_but_ignored_columns_and_duties_are_watched(monkeypatch):
    from pipeline import config

    monkeypatch.setattr(config.user_code, "check_function", lambda path: None)
    settings = make(features={"ignored": ["note"]}, columns={"id": "key"}, preprocessing="mine.features")

    assert settings.watched(COLUMNS)["used"] == ["area", "city", "sold", "rent"]
    assert settings.watched(COLUMNS)["categories"] == []
