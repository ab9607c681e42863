"""Baseline models of scikit-learn, fitted and evaluated on the rows of a run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .score_rows import Table
from .score_runs import Result


def parts(result: Result, numbers: Sequence[str], categories: Sequence[str] = ()) -> tuple[Table, Table, Table, Table]:
    """Return features and all columns of a run's train and test rows.

    Nulls of numeric columns become the mean of the train split. Categorical columns are one-hot encoded by the values
    of the train split; null is a value.

    Args:
        result: The run.
        numbers: Numeric columns.
        categories: Categorical columns.

    Returns:
        Features of train, features of test (float64), all columns of train, all columns of test.
    """
    train, test = result.rows("train"), result.rows("test")
    same_rows(result, test)
    mean = train[list(numbers)].mean()
    one_hot_columns = one_hot(train, categories).columns
    features = [
        pd.concat(
            [
                part[list(numbers)].fillna(mean),
                one_hot(part, categories).reindex(columns=one_hot_columns, fill_value=0.0),
            ],
            axis=1,
        ).astype(float)
        for part in (train, test)
    ]
    return features[0], features[1], train, test


def one_hot(table: Table, categories: Sequence[str]) -> Table:
    """Return a column of 0 and 1 for each category, including null."""
    columns = {}
    for category in categories:
        values = table[category].map(lambda value: "" if value is None or value != value else str(value))
        columns.update({f"{category}={value}": (values == value).astype(float) for value in sorted(set(values))})
    return pd.DataFrame(columns, index=table.index)


def same_rows(result: Result, test: Table) -> None:
    """Check that model and baseline are evaluated on equally many rows."""
    counted = int(result.metrics["example_count"])
    assert counted == len(test), f"the model was measured on {counted} rows, the plain one on {len(test)}"


def scaled(model: Any) -> Any:
    """Return a model with standardized features."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)


def logistic() -> Any:
    """Return a logistic regression, multinomial for several classes."""
    from sklearn.linear_model import LogisticRegression

    return scaled(LogisticRegression(max_iter=3000))


def least_squares_mae(result: Result, label: str, numbers: Sequence[str], categories: Sequence[str] = ()) -> float:
    """Return the mean absolute error of ordinary least squares on the test split."""
    from sklearn.linear_model import LinearRegression

    train, test, rows, tested = parts(result, numbers, categories)
    predicted = LinearRegression().fit(train, rows[label]).predict(test)
    return float(np.abs(predicted - tested[label]).mean())


def share(right: Any) -> float:
    """Return the share of True values."""
    return float(np.mean(np.asarray(right, bool)))
