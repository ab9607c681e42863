"""Plain models of scikit-learn, fitted and measured on a run's own rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .score_rows import Table
from .score_runs import Result


def parts(result: Result, numbers: Sequence[str], categories: Sequence[str] = ()) -> tuple[Table, Table, Table, Table]:
    """Feature tables and whole tables of a run's train and test rows.

    A missing number is the train split's mean, a category one-hot by the train split's values, a missing one a value of
    its own.

    Args:
        result: The run.
        numbers: Columns taken as numbers.
        categories: Columns taken one-hot.

    Returns:
        Features of train, features of test (float64), all columns of train, all columns of test.
    """
    train, test = result.rows("train"), result.rows("test")
    same_rows(result, test)
    mean = train[list(numbers)].mean()
    learnt = one_hot(train, categories).columns
    features = [
        pd.concat(
            [part[list(numbers)].fillna(mean), one_hot(part, categories).reindex(columns=learnt, fill_value=0.0)],
            axis=1,
        ).astype(float)
        for part in (train, test)
    ]
    return features[0], features[1], train, test


def one_hot(table: Table, categories: Sequence[str]) -> Table:
    """Each category as columns of 0 and 1, a missing value too."""
    columns = {}
    for category in categories:
        values = table[category].map(lambda value: "" if value is None or value != value else str(value))
        columns.update({f"{category}={value}": (values == value).astype(float) for value in sorted(set(values))})
    return pd.DataFrame(columns, index=table.index)


def same_rows(result: Result, test: Table) -> None:
    """See that model and plain model are measured on as many rows."""
    counted = int(result.metrics["example_count"])
    assert counted == len(test), f"the model was measured on {counted} rows, the plain one on {len(test)}"


def scaled(model: Any) -> Any:
    """A model on features of mean 0 and variance 1."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)


def logistic() -> Any:
    """Logistic regression, multinomial for several classes."""
    from sklearn.linear_model import LogisticRegression

    return scaled(LogisticRegression(max_iter=3000))


def least_squares_mae(result: Result, label: str, numbers: Sequence[str], categories: Sequence[str] = ()) -> float:
    """Mean absolute error of ordinary least squares on the test split."""
    from sklearn.linear_model import LinearRegression

    train, test, rows, tested = parts(result, numbers, categories)
    predicted = LinearRegression().fit(train, rows[label]).predict(test)
    return float(np.abs(predicted - tested[label]).mean())


def share(right: Any) -> float:
    """Share of True values."""
    return float(np.mean(np.asarray(right, bool)))
