"""Contributions of columns: Shapley values of known functions, and the route `:explain`."""

import itertools
import json
import math

import numpy as np
import pytest

from serving.explanation import shapley
from serving.explanation.background import Background, NotExplainableError, read
from serving.explanation.shapley import Explainer
from spec.file_names import BACKGROUND

from ..served import push, running


def background(width, rows=64, unexplained=()):
    random = np.random.default_rng(5)
    cells = {f"c{place}": random.normal(size=rows).astype(np.float32) for place in range(width)}
    columns = {name: name.upper() for name in (*cells, *unexplained)}
    return Background(cells, columns, dict.fromkeys(unexplained, "it holds encoded images"), rows)


def explained(function, row, rows, **options):
    explainer = Explainer(rows, **options)
    return explainer.explanation({"prediction": function(explainer.mixed(row))})


def by_definition(function, row, rows):
    """Shapley values as the mean over all orders of columns, each with all background rows."""
    names = list(rows.cells)
    parts = dict.fromkeys(names, 0.0)
    for order in itertools.permutations(names):
        cells = {name: value.copy() for name, value in rows.cells.items()}
        without_column = function(cells).mean()
        for name in order:
            cells[name][:] = row[name]
            with_column = function(cells).mean()
            parts[name] += (with_column - without_column) / math.factorial(len(names))
            without_column = with_column
    return list(parts.values())


def curved(cells):
    values = list(cells.values())
    return np.float64(values[0]) * values[1] * values[2] + np.sin(values[2]) + np.exp(values[0] / 3) * (values[-1] > 0)


def row_of(rows, value=1.5):
    return {name: np.float32(value + place / 4) for place, name in enumerate(rows.columns)}


@pytest.mark.parametrize("width", [3, 5])
def test_with_few_columns_contributions_are_the_shapley_values(width):
    rows = background(width)
    actual = explained(curved, row_of(rows), rows)
    np.testing.assert_allclose(
        list(actual.contributions.values()), by_definition(curved, row_of(rows), rows), rtol=1e-6, atol=1e-9
    )
    assert list(actual.contributions) == [name.upper() for name in rows.cells]


@pytest.mark.parametrize("width", [1, 6, 7, 20, 300])
def test_contributions_add_up_to_the_prediction(width):
    rows = background(width)

    def function(cells):
        total = sum(np.float64(value) for value in cells.values())
        return np.tanh(total) * 1e5 + total**2

    row = row_of(rows)
    actual = explained(function, row, rows)
    assert actual.value == pytest.approx(function({name: np.array([cell]) for name, cell in row.items()})[0])
    assert actual.base_value + sum(actual.contributions.values()) == pytest.approx(actual.value, rel=1e-9)
    assert Explainer(rows).rows <= shapley.MOST_ROWS


def test_sampled_contributions_are_exact_for_sums_and_near_for_interactions():
    rows = background(8)
    weights = {name: place - 3.0 for place, name in enumerate(rows.cells)}
    row = row_of(rows)
    actual = explained(lambda cells: sum(weights[name] * np.float64(cells[name]) for name in cells), row, rows)
    expected = [weights[name] * (row[name] - np.float64(rows.cells[name]).mean()) for name in rows.cells]
    np.testing.assert_allclose(list(actual.contributions.values()), expected, rtol=1e-5, atol=1e-6)

    paired = explained(in_pairs, row, rows)
    exact = by_definition_of_used(in_pairs, row, rows)
    np.testing.assert_allclose(list(paired.contributions.values()), exact, rtol=1e-5, atol=1e-6)

    near = explained(curved, row, rows)
    exact = by_definition_of_used(curved, row, rows)
    spread = sum(map(abs, exact))
    assert (
        max(
            abs(sampled - expected_share)
            for sampled, expected_share in zip(near.contributions.values(), exact, strict=True)
        )
        < 0.05 * spread
    )


def in_pairs(cells):
    values = [np.float64(value) for value in cells.values()]
    return values[0] * values[1] + np.sin(values[2] * values[-1]) + values[0]


def by_definition_of_used(function, row, rows):
    """Shapley values of a function that reads the columns 0, 1, 2 and 7 of eight; the others have none."""
    used = [0, 1, 2, 7]
    used_columns = Background({f"c{place}": rows.cells[f"c{place}"] for place in used}, rows.columns, {}, rows.rows)
    parts = iter(by_definition(function, row, used_columns))
    return [next(parts) if place in used else 0.0 for place in range(8)]


def test_the_seed_determines_the_contributions():
    rows = background(9)
    first, repeated, other_seed = (explained(curved, row_of(rows), rows, seed=seed) for seed in (0, 0, 1))
    assert first == repeated
    assert first.contributions != other_seed.contributions


def test_the_most_likely_class_and_the_nearest_centre_are_explained():
    explainer = Explainer(background(2))
    values = explainer.mixed(row_of(background(2)))["c0"]
    actual = explainer.explanation({"probabilities": np.stack([values * 0, values, values / 2], 1), "classes": values})
    assert (actual.output, actual.place, actual.value) == ("probabilities", 1, 1.5)
    near = explainer.explanation({"distances": np.stack([values + 9, values], 1), "cluster": values})
    assert (near.output, near.place) == ("distances", 1)
    assert explainer.explanation({"score": values, "anomaly": values}).output == "score"
    with pytest.raises(NotExplainableError, match="none of the outputs vectors is explained"):
        explainer.explanation({"vectors": values})


def test_a_column_that_is_not_explained_keeps_the_cell_of_the_row():
    explainer = Explainer(background(2, unexplained=["photo"]))
    mixed = explainer.mixed({**row_of(background(2)), "photo": b"\x00\x01\x00"})
    assert set(mixed["photo"].tolist()) == {b"\x00\x01\x00"}
    texts = Explainer(Background({"c0": np.array([b"\x00"], object)}, {"c0": "c0"}, {}, 1)).mixed({"c0": b"a\x00"})
    assert texts["c0"].tolist() == [b"a\x00", b"\x00"]
    actual = explainer.explanation({"prediction": mixed["c0"]})
    assert actual.unexplained == {"PHOTO": "it holds encoded images"}
    assert list(actual.contributions) == ["C0", "C1"]


def test_a_damaged_background_and_one_without_columns_are_named(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    path = tmp_path / BACKGROUND
    for damaged in ('{"rows": 1, "inputs": [{"name": "a"', '{"rows": 1}', '{"rows": 1, "inputs": null}'):
        path.write_text(damaged)
        with pytest.raises(NotExplainableError, match=r"background.json is damaged: .*Push a new version"):
            read(str(tmp_path))
    photo = {"name": "photo", "column": "a photo", "dtype": "string", "reason": "it holds encoded images"}
    path.write_text(json.dumps({"rows": 0, "inputs": [photo]}))
    with pytest.raises(NotExplainableError, match=r"no column .*: column 'a photo': it holds encoded images"):
        read(str(tmp_path))


def post(tiny, body, path="tiny"):
    return tiny.post(f"/v1/models/{path}:explain", json=body)


def test_the_server_explains_rows(tiny):
    rows = [{"x": 5.0, "n": 1, "word": "abcd"}, {"x": 3.0, "n": 2, "word": ""}]
    response = post(tiny, {"instances": rows})
    assert response.status_code == 200, response.text
    [first_row, second_row] = response.json()["explanations"]
    assert (first_row["output"], first_row["value"]) == ("prediction", 15.0)
    assert first_row["base_value"] == pytest.approx(2 * 3 + 2 + 4 / 3)
    assert first_row["contributions"] == pytest.approx({"x": 4.0, "n": -1.0, "word": 4 - 4 / 3}, rel=1e-5)
    assert second_row["contributions"] == pytest.approx({"x": 0.0, "n": 0.0, "word": -4 / 3}, abs=1e-5)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert post(tiny, {"inputs": columns}).json() == response.json()
    assert post(tiny, {"signature_name": "serving_default", "instances": rows}).json() == response.json()


def test_what_the_server_cannot_explain_is_named(tiny):
    row = {"x": 5.0, "n": 1, "word": "abcd"}
    of_old_version = post(tiny, {"instances": [row]}, "tiny/labels/stable")
    assert (of_old_version.status_code, "version 3 has no background rows" in of_old_version.json()["error"]) == (
        400,
        True,
    )
    assert "Run the pipeline again" in of_old_version.json()["error"]
    of_other_signature = post(tiny, {"signature_name": "logarithm", "instances": [1.0]})
    assert (of_other_signature.status_code, "leave signature_name out" in of_other_signature.json()["error"]) == (
        400,
        True,
    )
    of_uneven_columns = post(tiny, {"inputs": {"x": [1.0, 2.0], "n": [1], "word": ["a"]}})
    assert (of_uneven_columns.status_code, "different numbers of rows" in of_uneven_columns.json()["error"]) == (
        400,
        True,
    )
    assert post(tiny, {"instances": [{"x": 5.0}]}).status_code == 400


def test_explanations_have_the_limit_of_rows(tiny, exported, tmp_path):
    from serving.server.server_settings import Limits, ModelSource

    push(exported[2], tmp_path / "tiny", 1)
    source = ModelSource(name="tiny", folder=str(tmp_path / "tiny"))
    with running(source, limits=Limits(rows=50)) as served:
        row = {"x": 5.0, "n": 1, "word": "abcd"}
        assert post(served, {"instances": [row] * 2}).status_code == 200  # 1 + 7 sets of 3 rows each
        refused = post(served, {"instances": [row] * 3})
        assert refused.status_code == 413
        assert "22 rows are predicted, and a request may have 50: send at most 2 rows" in refused.json()["error"]
