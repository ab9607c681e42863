"""Shapley values of the raw columns of a row: what each adds to the prediction, compared with background rows.

The value of a set of columns is the mean prediction of the background rows whose cells in these columns are replaced
by those of the row. A column's contribution is its Shapley value: the mean of what it adds, over all orders in which
the columns are replaced. Contributions and the mean prediction of the background add up to the prediction, because in
each order the differences do.

Up to EXACT columns, all sets are predicted. With more, each background row gets one random order and its reverse, whose
errors cancel where at most two columns interact, and partly where more do. Sources: Shapley (1953), "A value for
n-person games", for the formula of sets; Strumbelj and Kononenko (2014), "Explaining prediction models and individual
predictions with feature contributions", for sampled orders with background rows; Mitchell, Cooper, Frank and Holmes
(2022), "Sampling permutations for Shapley value estimation", for reversed orders. NumPy only, so that each engine can
use it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.explanation.background import Array, Background, NotExplainableError

EXACT = 6
"""Most columns of which all sets are predicted: 64 sets."""
MOST_ROWS = 16_384
"""Most rows that are predicted for an explanation; tables of more columns are compared with fewer background rows."""
SEED = 0


@dataclass(frozen=True)
class Explanation:
    """Contributions to one prediction.

    Attributes:
        output: Output that is explained: `prediction`, `score`, `probabilities` of the most likely class, or
            `distances` from the nearest centre.
        place: Number of the class or centre; None for the other outputs.
        value: The prediction.
        base_value: Mean prediction of the background rows.
        contributions: Column -> what it adds. All of them and `base_value` make `value`.
        unexplained: Column -> why it has no contribution: its cell is the same in all rows that are compared.
    """

    output: str
    place: int | None
    value: float
    base_value: float
    contributions: Mapping[str, float]
    unexplained: Mapping[str, str]


class Explainer:
    """Explains rows: predict the rows of `mixed`, and give the outputs to `explanation`.

    Args:
        background: The rows to compare with.
        seed: Determines the random orders.

    Attributes:
        rows: Number of rows that are predicted for each explanation.
    """

    def __init__(self, background: Background, seed: int = SEED) -> None:
        self._background = background
        self._names = list(background.cells)
        width = len(self._names)
        used = background.rows if width <= EXACT else min(background.rows, MOST_ROWS // (2 * width))
        # Evenly spaced, as they were chosen.
        self._used = np.arange(max(used, 1)) * background.rows // max(used, 1)
        if width <= EXACT:
            sets = np.arange(2**width - 1)[:, np.newaxis] >> np.arange(width) & 1
            self._orders = None
        else:
            generator = np.random.default_rng(seed)
            forward = np.array([generator.permutation(width) for _ in self._used])
            self._orders = np.stack([forward, forward[:, ::-1]], axis=1)
            rank = np.argsort(self._orders, axis=2)
            # Columns whose rank is below the number of replaced ones.
            sets = rank[:, :, np.newaxis, :] < np.arange(1, width)[:, np.newaxis]
        self._masks, self._rows_of = self._plan(np.asarray(sets, bool))
        self.rows = len(self._masks)

    def _plan(self, sets: Array) -> tuple[Array, Array]:
        """Return which cells come from the row, bool (rows, columns), and the background row of each, int (rows,).

        The first is the row itself.
        """
        whole, width = np.ones((1, len(self._names)), bool), len(self._names)
        first = np.zeros(1, np.int64)
        count = len(self._used)
        if self._orders is None:
            masks = np.repeat(sets, count, axis=0)
            return np.concatenate([whole, masks]), np.concatenate([first, np.tile(self._used, len(sets))])
        masks = np.concatenate([whole, np.zeros((count, width), bool), sets.reshape(-1, width)])
        return masks, np.concatenate([first, self._used, np.repeat(self._used, 2 * (width - 1))])

    def mixed(self, row: Mapping[str, Any]) -> dict[str, Array]:
        """Return the rows to predict: input of `serving_default` -> array of (rows,).

        Args:
            row: Input -> the cell, as an element of an array for the input.
        """
        inputs: dict[str, Array] = {}
        for place, name in enumerate(self._names):
            inputs[name] = self._background.cells[name][self._rows_of]
            here = self._masks[:, place]
            inputs[name][here] = _repeated(row[name], int(here.sum()))
        for name in self._background.unexplained:
            inputs[name] = _repeated(row[name], self.rows)
        return inputs

    def explanation(self, outputs: Mapping[str, Array]) -> Explanation:
        """Compute the contributions.

        Args:
            outputs: Output -> its values for the rows of `mixed`.

        Raises:
            NotExplainableError: no output is explained.
        """
        output, place = _explained(outputs)
        values = np.asarray(outputs[output], np.float64)
        values = values[:, place] if place is not None else values.reshape(-1)
        parts = self._exact(values) if self._orders is None else self._sampled(values)
        columns = self._background.columns
        return Explanation(
            output,
            place,
            float(values[0]),
            float(values[1 : 1 + len(self._used)].mean()),
            {columns[name]: float(part) for name, part in zip(self._names, parts, strict=True)},
            {columns[name]: text for name, text in self._background.unexplained.items()},
        )

    def _exact(self, values: Array) -> Array:
        width = len(self._names)
        means = np.append(values[1:].reshape(2**width - 1, -1).mean(axis=1), values[0])
        parts = np.zeros(width)
        for place in range(width):
            for number in range(2**width):
                if not number >> place & 1:
                    weight = 1 / (width * math.comb(width - 1, number.bit_count()))
                    parts[place] += weight * (means[number | 1 << place] - means[number])
        return parts

    def _sampled(self, values: Array) -> Array:
        assert self._orders is not None
        count, width = len(self._used), len(self._names)
        steps = np.empty((count, 2, width + 1))
        steps[:, :, 0] = values[1 : 1 + count, np.newaxis]
        steps[:, :, 1:width] = values[1 + count :].reshape(count, 2, width - 1)
        steps[:, :, width] = values[0]
        parts = np.zeros(width)
        np.add.at(parts, self._orders, np.diff(steps, axis=2))
        return parts / (2 * count)


def _repeated(cell: Any, count: int) -> Array:
    """Return an array of one cell; NumPy would drop the zeros at the end of bytes."""
    if not isinstance(cell, bytes | str):
        return np.full(count, cell)
    cells = np.empty(count, object)
    cells[:] = [cell] * count
    return cells


def _explained(outputs: Mapping[str, Array]) -> tuple[str, int | None]:
    """Choose the output to explain, and the class or centre of it."""
    for name in ("prediction", "score"):
        if name in outputs:
            return name, None
    if "probabilities" in outputs:
        return "probabilities", int(np.argmax(outputs["probabilities"][0]))
    if "distances" in outputs:
        return "distances", int(np.argmin(outputs["distances"][0]))
    raise NotExplainableError(
        f"none of the outputs {', '.join(sorted(outputs))} is explained: expected prediction, probabilities, score or "
        "distances"
    )
