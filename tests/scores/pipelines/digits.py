"""digits, digits_deep, signs: images, compared with logistic regression."""

import warnings
from collections.abc import Sequence

from .. import plain
from ..score import Score, Scored
from ..score_rows import pixels
from ..score_runs import BROUGHT, Job, Result

DIGITS, DEEP, SIGNS = 0.97, 0.988, 0.97
TESTED = 2000
"""MNIST's test images in data/."""


def digits(results: Sequence[Result]) -> list[Score]:
    """Score the network of the course."""
    return [_mnist("digits", results[0], DIGITS)]


def digits_deep(results: Sequence[Result]) -> list[Score]:
    """Score a deeper network on the same images."""
    return [_mnist("digits_deep", results[0], DEEP)]


def signs(results: Sequence[Result]) -> list[Score]:
    """Score a random fifth of the photos; signers are in several splits, which makes the task easier."""
    (result,) = results
    return [_score("signs", result, _logistic(result), SIGNS)]


def _mnist(name: str, result: Result, demand: float) -> Score:
    assert result.metrics["example_count"] == TESTED, "it must be measured on MNIST's own test images"
    return _score(name, result, _logistic(result), demand)


def _score(name: str, result: Result, regression: float, demand: float) -> Score:
    accuracy = result.metrics["accuracy"]
    reached = f"accuracy {accuracy:.4f}"
    return Score(
        name, reached, f"logistic regression: {regression:.4f}", f"{demand}", accuracy >= demand, result.seconds
    )


def _logistic(result: Result) -> float:
    from sklearn.linear_model import LogisticRegression

    train, test = result.rows("train"), result.rows("test")
    plain.same_rows(result, test)
    with warnings.catch_warnings():
        # A hundred steps, whether or not they are enough: more fit the train rows alone.
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=100).fit(pixels(train["image"]), train["label"])
    return float(model.score(pixels(test["image"]), test["label"]))


SCORED = (
    Scored("digits", (Job("digits"),), digits),
    Scored("digits_deep", (Job("digits_deep"),), digits_deep),
    Scored("signs", (Job("signs", data_root=BROUGHT),), signs, needs=BROUGHT / "data" / "sign_digits_28x28.csv.gz"),
)
