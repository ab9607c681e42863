import json

import pytest
from pydantic import ValidationError

from spec import tuning
from spec.tuning import Dimension, Tuning

SECTIONS = {
    "network": {"name": "mlp", "layers": [64, 64], "dropout": 0.0},
    "training": {"optimizer": {"name": "adam", "learning_rate": 0.001}, "early_stopping": None, "epochs": 60},
}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "write low and high, or choices"),
        ({"low": 1}, "write low and high, or choices"),
        ({"low": 2, "high": 1}, "low must be below high, found 2 and 1"),
        ({"low": 1, "high": float("inf")}, "low must be below high"),
        ({"low": 0, "high": 1, "scale": "log"}, 'low must be above 0 with scale = "log", found 0'),
        ({"low": 1, "high": 8, "scale": "log", "step": 1}, "step must be above 1"),
        ({"low": 0.0, "high": 1.0, "step": 1e-5}, "step 1e-05 leaves 100001 values, the most is 1000"),
        ({"low": 0.0, "high": 1.0, "step": 0.0}, "greater than 0"),
        ({"choices": [1], "low": 1}, "choices stand alone"),
        ({"choices": [1], "scale": "log"}, "choices stand alone"),
        ({"choices": []}, "at least 1 item"),
        ({"choices": [[1], [1]]}, "a choice stands twice"),
        ({"low": 1, "high": 2, "scale": "cubic"}, "'linear' or 'log'"),
        ({"lowest": 1, "high": 2}, "Extra inputs"),
    ],
)
def test_an_ambiguous_dimension_is_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        Dimension.model_validate(values)


@pytest.mark.parametrize(
    ("values", "listed"),
    [
        ({"low": 0.0, "high": 0.5, "step": 0.1}, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ({"low": 1, "high": 8, "step": 3}, (1, 4, 7)),
        ({"low": 2, "high": 32, "step": 2, "scale": "log"}, (2, 4, 8, 16, 32)),
        ({"low": 1e-3, "high": 0.1, "step": 10, "scale": "log"}, (0.001, 0.01, 0.1)),
        ({"low": 1, "high": 8}, None),
        ({"choices": ["a", [1]]}, ("a", [1])),
    ],
)
def test_a_step_lists_the_values_up_to_the_highest(values, listed):
    assert Dimension.model_validate(values).listed == listed


def test_a_range_holds_its_ends_and_whole_numbers_alone_where_both_are():
    integers, fractions = Dimension(low=1, high=4), Dimension(low=1.0, high=4.0)

    assert [integers.holds(value) for value in (1, 4, 0, 5, 2.5, True)] == [True, True, False, False, False, False]
    assert [fractions.holds(value) for value in (1.0, 2.5, 2, 4.1)] == [True, True, True, False]
    assert Dimension(low=0.0, high=0.5, step=0.1).holds(0.3)
    assert not Dimension(low=0.0, high=0.5, step=0.1).holds(0.25)


def test_the_probes_of_a_broken_range_hold_a_broken_number():
    assert Dimension(low=1, high=4).probes == (1, 4)
    assert any(value != int(value) for value in Dimension(low=1.0, high=4.0).probes)


@pytest.mark.parametrize(
    "space",
    [
        {"training.optimizer.learning_rate": {"low": 0.1, "high": 1.0}, "network.layers": {"choices": [[1], [2]]}},
        {
            "network": {"layers": {"choices": [[1], [2]]}},
            "training": {"optimizer": {"learning_rate": {"low": 0.1, "high": 1.0}}},
        },
        {
            "training.optimizer": {"learning_rate": {"low": 0.1, "high": 1.0}},
            "network": {"layers": {"choices": [[1], [2]]}},
        },
    ],
)
def test_quoted_and_nested_keys_are_the_same_in_one_order(space):
    parsed = Tuning.model_validate({"space": space})

    assert list(parsed.space) == ["network.layers", "training.optimizer.learning_rate"]
    assert parsed.space["training.optimizer.learning_rate"] == Dimension(low=0.1, high=1.0)
    assert Tuning.model_validate(json.loads(parsed.model_dump_json())) == parsed


def test_a_choice_may_be_a_table():
    choices = [{"name": "adam"}, {"name": "sgd"}]
    parsed = Tuning.model_validate({"space": {"training": {"optimizer": {"choices": choices}}}})

    assert list(parsed.space["training.optimizer"].choices) == choices


def test_more_is_better_for_an_accuracy_alone():
    space = {"training.batch_size": {"low": 1, "high": 2}}
    tunings = [Tuning.model_validate({"space": space, "objective": name}) for name in ("loss", "mae", "accuracy")]

    assert [entry.direction for entry in tunings] == ["min", "min", "max"]


def test_values_go_into_their_places_and_leave_the_rest():
    values = {"network.layers": [8], "training.optimizer.learning_rate": 0.5, "training.early_stopping.patience": 3}
    merged = tuning.merge(SECTIONS, values)

    assert merged == {
        "network": {"name": "mlp", "layers": [8], "dropout": 0.0},
        "training": {
            "optimizer": {"name": "adam", "learning_rate": 0.5},
            "early_stopping": {"patience": 3},
            "epochs": 60,
        },
    }
    assert SECTIONS["training"]["early_stopping"] is None
    assert SECTIONS["network"]["layers"] == [64, 64]


def test_a_place_in_a_list_is_named_by_its_number():
    assert tuning.merge(SECTIONS, {"network.layers.1": 8})["network"]["layers"] == [64, 8]
    assert tuning.find(SECTIONS, "network.layers.1") == 64
    with pytest.raises(ValueError, match=r"network\.layers\.2: the list has 2 entries, counted from 0, and no 2"):
        tuning.merge(SECTIONS, {"network.layers.2": 8})
    with pytest.raises(ValueError, match=r"network\.dropout\.rate: dropout is 0\.0, which has no rate"):
        tuning.merge(SECTIONS, {"network.dropout.rate": 8})


def test_the_innermost_keys():
    assert tuning.keys(SECTIONS) == [
        *("network.name", "network.layers", "network.dropout"),
        *("training.optimizer.name", "training.optimizer.learning_rate", "training.early_stopping", "training.epochs"),
    ]


@pytest.mark.parametrize(
    ("choices", "encoded"),
    [
        ((32, 64), [32, 64]),
        ((1, 0.5), [1.0, 0.5]),
        (("relu", "tanh"), ["relu", "tanh"]),
        (([32], [64, 64]), ["[32]", "[64, 64]"]),
        ((False, True), ["false", "true"]),
        (("relu", ["relu", "tanh"]), ['"relu"', '["relu", "tanh"]']),
        (({"name": "sgd"}, {"name": "adam"}), ['{"name": "sgd"}', '{"name": "adam"}']),
    ],
)
def test_choices_come_back_from_the_form_that_keras_tuner_takes(choices, encoded):
    assert tuning.encode(choices) == encoded
    assert [tuning.decode(value) for value in encoded] == list(choices)
    assert len({type(value) for value in encoded}) == 1


def test_the_best_values_leave_out_what_the_method_added():
    values = {"network.layers": "[64, 64]", "training.optimizer.learning_rate": 0.5, "tuner/epochs": 3}

    assert tuning.best({"space": [], "values": values}) == {
        "network.layers": [64, 64],
        "training.optimizer.learning_rate": 0.5,
    }


def test_a_number_keeps_six_digits():
    assert tuning.rounded(0.012345678) == 0.0123457
    assert tuning.rounded(0.1 + 0.2) == 0.3
    assert tuning.rounded(123456789) == 123456789
