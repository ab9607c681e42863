"""Rows whose columns hold the predictions, for the fixture `judged`, and slices of its verdict."""

from typing import Any

import numpy as np

NAMES = ["red", "green", "blue", "grey"]
"""Classes of a model whose probabilities are the columns p0 to p3."""
CITY = [[{"column": "city", "name": "city"}]]
"""Slices by city."""


def binary(number: int = 60, seed: int = 1) -> dict[str, Any]:
    """Return rows of two classes: label y, probability p1, and the columns city and age."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, number)
    positive = np.clip(0.6 * random.random(number) + 0.4 * label, 0, 1).astype(np.float32)
    city = [[b"bern", b"chur"][row % 3 == 0] for row in range(number)]
    return {"y": label.astype(np.float32), "p1": positive, "city": city, "age": np.arange(number)}


def slice_of(verdict: Any, **cells: Any) -> Any:
    """Return the only entry of a verdict's slices with these cells."""
    [entry_of_slice] = [entry for entry in verdict["slices"] if entry["slice"] == cells]
    return entry_of_slice
