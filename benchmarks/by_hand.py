"""Script for the same task, as a user would write it by hand with pandas, scikit-learn and Keras.

It reads the whole table, splits it at random, fits a ColumnTransformer on the train split, trains the same network with
the same epochs and batch size, computes r2 on the test split and exports a SavedModel. It checks and records nothing.
"""

import json
import os
import sys
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, MinMaxScaler, OneHotEncoder, StandardScaler


def houses(table: pd.DataFrame) -> ColumnTransformer:
    """Add the parts of the date to the table, and return the transformer of the houses' columns."""
    day = pd.to_datetime(table.pop("date"))
    table["days"] = (day - day.min()).dt.days
    table["month"], table["day_of_week"] = day.dt.month, day.dt.dayofweek
    areas = [f"sqft_{name}" for name in ("living", "lot", "above", "basement", "living15", "lot15")]
    numbers = ["bedrooms", "bathrooms", "floors", "view", "condition", "grade", "yr_built", "lat", "long", "days"]
    return ColumnTransformer(
        [
            ("areas", _logarithm(), areas),
            ("numbers", StandardScaler(), numbers),
            ("renovated", MinMaxScaler(), ["yr_renovated"]),
            ("places", KBinsDiscretizer(20, encode="onehot-dense"), ["lat", "long"]),
            ("categories", _one_hot(), ["zipcode", "waterfront", "month", "day_of_week"]),
        ]
    )


def generated(_: pd.DataFrame) -> ColumnTransformer:
    """Return the transformer of the columns of bench_tables.py."""
    return ColumnTransformer(
        [
            ("distance", _logarithm(), ["distance"]),
            ("numbers", StandardScaler(), ["area", "rooms", "age"]),
            ("categories", _one_hot(), ["city", "kind"]),
        ]
    )


def _logarithm() -> Any:
    return make_pipeline(FunctionTransformer(np.log1p), StandardScaler())


def _one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)


def main(order: dict[str, Any]) -> float:
    """Train, evaluate and export as ordered: `csv`, `table`, `split`, `layers`, `batch_size`, `epochs`, `export`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    table = pd.read_csv(order["csv"])
    shares = np.cumsum([order["split"][name] for name in ("train", "eval", "test")])
    drawn = np.random.default_rng(1).random(len(table)) * shares[-1]
    train, tune, test = (drawn < shares[0]), (drawn >= shares[0]) & (drawn < shares[1]), drawn >= shares[1]
    transformer = {"houses": houses, "generated": generated}[order["table"]](table)
    price = np.log(table["price"].to_numpy(np.float64))
    mean, deviation = price[train].mean(), price[train].std()
    label = ((price - mean) / deviation).astype(np.float32)
    features = transformer.fit(table[train]).transform(table).astype(np.float32)

    import keras

    keras.utils.set_random_seed(1)
    hidden = [keras.layers.Dense(units, activation="relu") for units in order["layers"]]
    network = keras.Sequential([keras.Input((features.shape[1],)), *hidden, keras.layers.Dense(1)])
    network.compile(keras.optimizers.Adam(order["learning_rate"]), "mse")
    network.fit(
        features[train],
        label[train],
        validation_data=(features[tune], label[tune]),
        batch_size=order["batch_size"],
        epochs=order["epochs"],
        verbose=0,
    )
    predicted = np.exp(network.predict(features[test], batch_size=8192, verbose=0)[:, 0] * deviation + mean)
    actual = np.exp(price[test])
    network.export(order["export"], verbose=False)
    return float(1 - ((predicted - actual) ** 2).sum() / ((actual - actual.mean()) ** 2).sum())


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(f"r2 {main(json.load(file)):.4f}")
