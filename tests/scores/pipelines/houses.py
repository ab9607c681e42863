"""houses: price and price terciles of houses in King County."""

import functools
import gzip
import hashlib
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .. import plain
from ..score import SALTS, Score, Scored, mean_of, salted
from ..score_runs import REPOSITORY, Job, Result

TIER_SALTS = SALTS[:3]
SEEDS = (1, 2, 3)
LARGEST_RAW = 58_800
"""Largest mean absolute error of houses_raw, in dollars."""


def houses(results: Sequence[Result]) -> list[Score]:
    """Score the price, compared with ordinary least squares."""
    (result,) = results
    model = result.metrics
    mae, r2 = least_squares(results)
    return [
        Score(
            "houses",
            f"MAE {model['mae']:,.0f}, R² {model['r2']:.4f}",
            f"least squares: MAE {mae:,.0f}, R² {r2:.4f}",
            "R² 0.87, MAE a quarter below",
            model["r2"] >= 0.87 and model["mae"] <= 0.75 * mae,
            result.seconds,
        )
    ]


def raw(results: Sequence[Result]) -> list[Score]:
    """Score the price from raw columns, compared with ordinary least squares: the mean of three seeds."""
    mae, _ = least_squares(results)
    reached = [result.metrics["mae"] for result in results]
    return [
        Score(
            "houses_raw",
            f"MAE {np.mean(reached):,.0f} ({', '.join(f'{value:,.0f}' for value in reached)})",
            f"least squares: MAE {mae:,.0f}",
            f"MAE {LARGEST_RAW:,.0f}, mean of three seeds",
            bool(np.mean(reached) <= LARGEST_RAW),
            sum(result.seconds for result in results),
        )
    ]


def least_squares(results: Sequence[Result]) -> tuple[float, float]:
    """Return mean absolute error and R² of ordinary least squares on the price, on the test rows of the results."""
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import mean_absolute_error, r2_score

    columns, price, split = sales("")
    train, test = split == "train", split == "test"
    for result in results:
        plain.same_rows(result, columns[test])
    guess = LinearRegression().fit(columns[train], price[train]).predict(columns[test])
    return float(mean_absolute_error(price[test], guess)), float(r2_score(price[test], guess))


def house_tiers(results: Sequence[Result]) -> list[Score]:
    """Score the price terciles, compared with multinomial logistic regression over three salts."""
    reached, regression = [], []
    for salt, result in zip(TIER_SALTS, results, strict=True):
        columns, price, split = sales(salt)
        train, test = split == "train", split == "test"
        plain.same_rows(result, columns[test])
        tier = np.digitize(price, np.quantile(price[train], [1 / 3, 2 / 3]))
        regression.append(plain.logistic().fit(columns[train], tier[train]).score(columns[test], tier[test]))
        reached.append(result.metrics["accuracy"])
    return [
        Score(
            "house_tiers",
            f"accuracy {mean_of(reached, 4)}",
            f"logistic regression: accuracy {mean_of(regression, 4)}",
            "half a point above, mean of three salts",
            bool(np.mean(reached) >= np.mean(regression) + 0.005),
            sum(result.seconds for result in results),
        )
    ]


@functools.cache
def sales(salt: str) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return features with one-hot zipcode, month and weekday; the price; and the split of each row."""
    table = pd.read_csv(io.BytesIO(gzip.decompress((REPOSITORY / "data/houses.csv.gz").read_bytes())))
    date = pd.to_datetime(table["date"])
    columns = pd.get_dummies(
        table.drop(columns=["id", "price", "date"]).assign(
            days=(date - date.min()).dt.days, month=date.dt.month, weekday=date.dt.dayofweek
        ),
        columns=["zipcode", "waterfront", "month", "weekday"],
        drop_first=True,
    ).astype(float)
    return columns, table["price"], table["id"].map(functools.partial(split_of, salt))


def split_of(salt: str, house: int) -> str:
    """Return the split of a row: a second implementation of components/ingestion/rows/split_assignment.py.

    SHA-256 of the column's tf.train.Feature: a bytes_list (field 1) with one value (field 1), each length-delimited.
    """
    text = str(house).encode()
    value = b"\x0a" + bytes([len(text)]) + text
    feature = b"\x0a" + bytes([len(value)]) + value
    bucket = int(hashlib.sha256(salt.encode() + feature).hexdigest(), 16) % 10
    return "train" if bucket < 8 else "eval" if bucket == 8 else "test"


SCORED = (
    Scored("houses", (Job("houses"),), houses),
    Scored("houses_raw", tuple(Job("houses_raw", overrides=(f"training.seed={seed}",)) for seed in SEEDS), raw),
    Scored("house_tiers", salted("house_tiers", salts=TIER_SALTS), house_tiers),
)
