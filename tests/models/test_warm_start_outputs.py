"""What a warm start makes of the layers that stand for the label or for the features themselves."""

import numpy as np
import pytest

from .months import KIND, PRICE, SMALL, SOLD, STATE, answers, assert_same, meaning_of, outputs, rows_of

EXACT = {"numeric": [{"column": "area"}, {"column": "low", "scale": "min_max"}], "categorical": [{"column": "grade"}]}


def test_classes_in_another_order_keep_their_columns(month):
    first_month, second_month = month(1, label=KIND), month(2, label=KIND)
    previous = first_month.network(SMALL)
    carried_over = second_month.begun(SMALL, previous)
    assert (previous.target.names, carried_over.target.names) == (("x", "y", "z"), ("z", "y", "x"))

    expected, actual = answers(previous, second_month), answers(carried_over, second_month)
    expected["probabilities"] = expected["probabilities"][:, ::-1]
    assert_same(expected, actual)


def test_a_new_class_is_initialized_beside_the_others(month):
    first_month, second_month = month(1, label=KIND), month(2, label=KIND)
    previous = first_month.network(SMALL)
    label = {"task": "classes", "classes": ["kind is x", "kind is y", "kind is w"]}
    carried_over = second_month.begun(SMALL, previous, label=label)

    old_kernel, new_kernel = rows_of(previous), rows_of(carried_over)
    np.testing.assert_allclose(new_kernel[:, [2, 1]], old_kernel[:, [0, 1]], rtol=1e-5)
    np.testing.assert_array_equal(new_kernel[:, 0], carried_over.fresh[-2][:, 0])
    assert "anew" not in carried_over.note


@pytest.mark.parametrize(
    ("label", "changed_label", "reason"),
    [
        (SOLD, {"task": "binary", "classes": ["kind is not z", "kind is z"]}, "the label's classes changed"),
        (SOLD, {"task": "classes", "classes": ["kind is not x", "kind is x"]}, "the label has another task"),
        (KIND, {"task": "classes", "classes": ["kind is a", "kind is b"]}, "the label's classes changed"),
        (PRICE, {"of": {"column": "price", "transform": "log"}}, "the label changed"),
        (PRICE, {"of": {"column": "rent", "transform": "none"}}, "the label changed"),
    ],
)
def test_another_label_initializes_the_head(month, label, changed_label, reason):
    first_month, second_month = month(1, label=label), month(2, label=label)
    previous = first_month.network(SMALL)
    carried_over = second_month.begun(SMALL, previous, label={**meaning_of(previous)["label"], **changed_label})

    assert carried_over.note.startswith("warm start with 2 of 4 weights")
    assert carried_over.note.endswith(f"; anew: head ({reason})")
    assert all(map(np.array_equal, carried_over.network.get_weights()[2:], carried_over.fresh[2:]))


def test_classes_that_change_sides_change_the_sign(month):
    first_month, second_month = month(1, label=SOLD), month(2, label=SOLD)
    previous = first_month.network(SMALL)
    swapped = {"task": "binary", "classes": ["kind is x", "kind is not x"]}
    carried_over = second_month.begun(SMALL, previous, label=swapped)
    np.testing.assert_allclose(
        outputs(carried_over, second_month), -outputs(previous, second_month), rtol=1e-4, atol=1e-4
    )


def test_a_perceptron_starts_warm(month):
    first_month, second_month = month(1, label=SOLD), month(2, label=SOLD)
    previous = first_month.network({"name": "perceptron"})
    carried_over = second_month.begun({"name": "perceptron"}, previous)
    assert_same(answers(previous, second_month), answers(carried_over, second_month))

    other_label = {"task": "binary", "classes": ["kind is not z", "kind is z"]}
    carried_over = second_month.begun({"name": "perceptron"}, previous, label=other_label)
    assert carried_over.note.endswith("anew: unit (the label's classes changed)")


def test_an_autoencoder_gives_the_features_again_on_their_new_scale(month):
    network = {"name": "autoencoder", "layers": [4, 2, 4], "activation": "tanh"}
    first_month, second_month = month(1, EXACT, STATE), month(2, EXACT, STATE)
    previous = first_month.network(network)
    carried_over = second_month.begun(network, previous)
    old_outputs, new_outputs = outputs(previous, second_month), outputs(carried_over, second_month)

    scales = [first_month.meanings[name]["scale"] / second_month.meanings[name]["scale"] for name in ("area", "low")]
    np.testing.assert_allclose(new_outputs[:, :2], old_outputs[:, :2] * scales, rtol=1e-3, atol=1e-4)
    tokens = [
        first_month.meanings["grade_index"]["tokens"].index(token)
        for token in second_month.meanings["grade_index"]["tokens"]
    ]
    assert tokens != sorted(tokens)
    np.testing.assert_allclose(
        new_outputs[:, 2:5], old_outputs[:, [2 + place for place in tokens]], rtol=1e-3, atol=1e-4
    )
    assert carried_over.note.startswith("warm start with 8 of 8 weights")


def test_centres_stay_where_they_are(month):
    network = {"name": "kmeans", "num_clusters": 2}
    first_month, second_month = month(1, EXACT, STATE), month(2, EXACT, STATE)
    previous = first_month.network(network)
    carried_over = second_month.begun(network, previous)

    def centres(trained):
        [actual] = trained.network.get_weights()
        meanings = trained.month.meanings
        scaled = [
            actual[:, place] * meanings[name]["scale"] + meanings[name]["shift"]
            for place, name in enumerate(("area", "low"))
        ]
        by_token = dict(zip(meanings["grade_index"]["tokens"], actual[:, 2:5].T, strict=True))
        return np.stack([*scaled, *(by_token[token] for token in "abc")])

    np.testing.assert_allclose(centres(carried_over), centres(previous), rtol=1e-3, atol=1e-4)
    three_clusters = second_month.begun({**network, "num_clusters": 3}, previous)
    assert three_clusters.note.endswith("anew: centres (2 centres, now 3)")
