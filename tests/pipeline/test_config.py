from pathlib import Path

import pytest
from pydantic import ValidationError

from models.roles import Features
from pipeline import config
from pipeline.checks import network_checks
from spec.columns.label import Label
from spec.training import Training

LEAST = {
    "data": {"path": "data/flats.csv"},
    "features": {"numeric": [{"column": "area"}], "ignored": ["id"]},
    "label": {"column": "rent"},
}
MLP = {
    "name": "mlp",
    "layers": [128, 64],
    "activation": "relu",
    "initializer": "glorot_uniform",
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "batch_norm": False,
    "weights": [],
}


def make(**sections):
    return config.Config.model_validate({**LEAST, **sections})


def test_the_least_config_has_defaults_for_everything_else():
    least_config = make()

    assert least_config.data.split.shares == {"train": 8, "eval": 1, "test": 1}
    assert least_config.data.split.column is None
    assert least_config.network == MLP
    assert least_config.training == Training()
    assert least_config.evaluation.floor == {}
    assert least_config.evaluation.baseline is None
    assert least_config.evaluation.slicings == ()


def test_a_network_is_written_out_with_its_defaults():
    assert make(network={"layers": [4]}).network == {**MLP, "layers": [4]}
    linear = {"name": "linear", "weights": [], "l1": 0.0, "l2": 0.0, "smooth_clip": None}
    assert make(network={"name": "linear"}).network == linear


def test_networks_are_the_files_in_models_networks():
    folder = Path(network_checks.models.networks.__file__).parent

    assert network_checks.networks() == sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    assert {"linear", "mlp"} <= set(network_checks.networks())


def test_slices_are_columns_or_crosses():
    sliced = make(evaluation={"slices": ["city", ["city", "floor"]]})

    assert sliced.evaluation.slicings == (("city",), ("city", "floor"))


def test_plain_sections_are_what_the_workers_read():
    parsed = make(
        features={**LEAST["features"], "bucketized": [{"column": "lat", "edges": [1.0]}]}, network={"layers": [4]}
    )
    plain = parsed.plain("features", "label", "network", "training")

    assert list(plain) == ["features", "label", "network", "training"]
    assert Features.model_validate(plain["features"]) == parsed.features
    assert Label.model_validate(plain["label"]) == parsed.label
    assert Training.model_validate(plain["training"]) == parsed.training
    assert plain["network"] == parsed.network


def test_a_plain_whole_config_is_that_config_again():
    features = {
        "bucketized": [{"column": "lat", "edges": [1.0]}, {"column": "long", "quantiles": 3}],
        "crossed": [{"columns": ["lat", "long"], "buckets": 9}],
    }
    parsed = make(features=features, evaluation={"slices": ["city", ["a", "b"]], "floor": {"r2": 0.5}})

    assert config.Config.model_validate(parsed.plain()) == parsed
    assert parsed.plain()["features"]["crossed"] == [{"columns": ["lat", "long"], "buckets": 9, "product": False}]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"network": {"name": "mpl"}}, "name 'mpl' is not one of .*linear, mlp"),
        ({"network": {"name": "mlp", "layer": [3]}}, r"network\.layer\n.*Extra inputs"),
        ({"network": {"name": "mlp", "dropout": 1.5}}, r"network\.dropout\.0\n.*less than or equal to 1"),
        (
            {"evaluation": {"floor": {"auc": 0.5}}},
            r"evaluation\.floor: metric 'auc' is unknown for task regression\. Known metrics: mae, rmse, r2, mse, bias",
        ),
        (
            {"evaluation": {"baseline": {"metric": "loss"}}},
            "evaluation.baseline: metric 'loss' is unknown for task regression. Known metrics: mae, rmse, r2",
        ),
        ({"evaluation": {"baseline": {"metric": "mae", "tolerance": -0.1}}}, "greater than or equal to 0"),
        (
            {"evaluation": {"rules": [{"metric": "coverage", "floor": 0.88}]}},
            r"evaluation\.rules\.0: coverage is measured only with training\.interval: set training\.interval = 0\.9",
        ),
        (
            {"training": {"interval": 0.9}, "label": {"column": "y", "task": "binary", "threshold": 1}},
            r"training\.interval has no effect with task 'binary': remove it",
        ),
        (
            {
                "training": {"interval": 0.9},
                "evaluation": {"rules": [{"metric": "coverage", "better_than": "boosted_trees"}]},
            },
            r"evaluation\.rules\.0: coverage is not measured of plain models: write floor = NUMBER in place",
        ),
        (
            {
                "evaluation": {"floor": {"calibration_error": 0.05}},
                "label": {"column": "y", "task": "binary", "threshold": 1},
            },
            r'evaluation\.floor: calibration_error .* training\.calibration: set .* = "temperature", or remove',
        ),
        (
            {"training": {"calibration": "temperature"}},
            r"training\.calibration has no effect with task 'regression': remove it",
        ),
        ({"training": {"interval": 1.0}}, r"training\.interval\n.*less than 1"),
        ({"label": {"column": "area"}}, r"label: column 'area' is the label and also under \[features\]"),
        ({"label": {"column": "id"}}, r"label: column 'id' is the label and also under \[features\]"),
        ({"data": {"path": "x", "split": {"train": 0}}}, r"data\.split\.train\n.*greater than or equal to 1"),
        ({"data": {"path": "x", "split": {"by": "tiem"}}}, r"data\.split\.by\n.*'hash'"),
        (
            {"data": {"path": "x", "split": {"by": "column", "column": "area"}}},
            r"data\.split\.column: 'area' is the split column and also under \[features\]",
        ),
        ({"training": {"optimizer": {"learning_rate": 0}}}, r"training\.optimizer\.learning_rate\n.*greater than 0"),
        ({"training": {"early_stopping": {"patience": 0}}}, r"training\.early_stopping\.patience\n"),
        ({"training": {"seed": 2**31}}, r"training\.seed\n.*less than"),
        ({"spans": {}}, r"spans\n.*Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(sections, message):
    with pytest.raises(ValidationError, match=rf"(?s){message}"):
        make(**sections)


def test_coverage_may_be_judged_of_a_model_with_intervals():
    rules = [{"metric": "coverage", "slice": "city", "floor": 0.85, "min_count": 100}]
    parsed = make(training={"interval": 0.9}, evaluation={"rules": rules, "floor": {"coverage": 0.88}})

    assert parsed.plain("training")["training"]["interval"] == 0.9


def test_early_stopping_can_be_off_in_a_config_made_by_code():
    assert make(training={"early_stopping": None}).training.early_stopping is None


@pytest.mark.parametrize(
    ("data", "cleaned"),
    [
        ({"path": "data/flats.csv.gz"}, True),
        ({"path": ["data/a.parquet", "data/b.parquet"]}, True),
        ({"path": {"train": "data/a.tsv", "test": "data/b.tsv"}, "split": "files"}, True),
        ({"path": "data/flats.tfrecord.gz"}, False),
        ({"path": "data/flats.csv", "format": "tfrecord"}, False),
    ],
)
def test_a_served_model_cleans_cells_where_ingestion_does(data, cleaned):
    parsed = make(data={**data, "column_null_values": {"area": [-1]}})
    expected = {
        "strip_whitespace": True,
        "null_values": list(parsed.data.null_values),
        "column_null_values": {"area": ["-1"]},
        "fold_case": [],
        "dates": {},
        "csv": {"decimal": ".", "thousands": "", "units": [], "plain": []},
    }

    assert parsed.cleaning(parsed.plain("data")["data"]["path"]) == (expected if cleaned else None)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"features": {"categorical": [{"column": "paid", "categories": ["yes", "No"]}]}},
            "features.categorical: column 'paid' is lower-cased by data.fold_case, so 'No' never occurs: write 'no'",
        ),
        (
            {"label": {"column": "paid", "task": "binary", "positive": "Yes"}},
            "label: column 'paid' is lower-cased by data.fold_case, so 'Yes' never occurs: write 'yes'",
        ),
        (
            {"label": {"column": "paid", "task": "classes", "classes": ["a", "B"]}},
            "label: column 'paid' is lower-cased by data.fold_case, so 'B' never occurs: write 'b'",
        ),
    ],
)
def test_a_category_that_folding_leaves_no_cell_of_is_refused(sections, message):
    with pytest.raises(ValidationError, match=message):
        make(data={"path": "x.csv", "fold_case": ["paid"]}, **sections)
    make(data={"path": "x.csv", "fold_case": ["area"]}, **sections)
