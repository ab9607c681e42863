"""Which network and training `new` proposes for rows and columns."""

import pytest

from curation.facts.column_facts import Facts
from curation.propose import network_choices
from curation.propose.choices import Entry


def plan(rows, train=None, numbers=5, roles=()):
    """Keys of [network] and [training] for a table."""
    entries = [Entry("numeric", {"column": f"n{number}"}, "") for number in range(numbers)]
    entries += [Entry(role, {"column": role}, "") for role in roles]
    chosen = network_choices.plan(Facts(rows, ()), entries, rows * 0.8 if train is None else train)
    assert all(line.reason for line in (*chosen.network, *chosen.training) if line.key != "seed")
    return {line.key: line.value for line in chosen.network}, {line.key: line.value for line in chosen.training}


def test_few_rows_have_a_linear_model_that_keeps_its_weights_small():
    network, training = plan(200, train=120)
    assert network == {"name": "linear", "l2": 0.004}
    assert training["early_stopping"]
    assert plan(100, train=60)[0]["l2"] > network["l2"]


def test_more_numbers_than_train_rows_have_a_linear_model_with_more_regularization_that_clips():
    network, _ = plan(400, train=240, numbers=750)
    assert network == {"name": "linear", "smooth_clip": 3.0, "l2": 0.06}
    assert plan(200, train=120, numbers=121)[0]["smooth_clip"] == 3.0
    assert "smooth_clip" not in plan(200, train=120, numbers=120)[0], "as many numbers as rows"
    assert plan(400, train=240, numbers=200)[0]["name"] == "mlp"


@pytest.mark.parametrize("roles", [["text"], ["text", "ignored"]])
def test_texts_alone_have_a_linear_head(roles):
    assert plan(5_000, numbers=0, roles=roles)[0] == {"name": "linear"}


@pytest.mark.parametrize(("numbers", "roles"), [(1, ["text"]), (0, ["text", "hashed"])])
def test_texts_beside_other_columns_have_hidden_layers(numbers, roles):
    assert plan(5_000, numbers=numbers, roles=roles)[0]["name"] == "mlp"


def test_vectors_of_hashed_categories_learn_slowly():
    assert plan(5_000, roles=["text", "hashed"])[1]["optimizer"]["learning_rate"] == 1e-3
    assert plan(5_000, roles=["text"])[1]["optimizer"]["learning_rate"] == 3e-3


@pytest.mark.parametrize(("numbers", "roles"), [(5, []), (0, ["hashed"]), (3, ["hashed", "ignored"])])
def test_other_tables_have_an_ensemble_of_its_default_size(numbers, roles):
    network, training = plan(5_000, numbers=numbers, roles=roles)
    assert network == {"name": "tabm"}
    assert training["optimizer"]["schedule"] == "cosine"
    assert training["early_stopping"] is False, "a cosine that stops early has not lowered the learning rate"


@pytest.mark.parametrize("train", [700, 3_999, 4_000, 9_999, 10_000, 49_999, 50_000, 199_999, 10**6, 10**7])
def test_the_work_of_an_ensemble_grows_no_faster_than_the_rows(train):
    _, training = plan(3 * train, train=train)
    assert training["epochs"] * train <= 12 * train + 1_200 * training["batch_size"] * 1.1
    assert 12 <= training["epochs"] <= 40
    assert train / 400 <= training["batch_size"] or training["batch_size"] == 1_024


def test_few_rows_have_hidden_layers_and_stop_early():
    network, training = plan(1_999)
    assert network["name"] == "mlp"
    assert training["early_stopping"] == {"patience": 20}
    assert plan(2_000)[0]["name"] == "tabm"


def test_larger_batches_take_larger_steps():
    small, large = (plan(2 * train, train=train)[1]["optimizer"]["learning_rate"] for train in (20_000, 100_000))
    assert small < large
