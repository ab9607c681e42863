"""Shapley values of the raw columns of a row: their contributions to the prediction, relative to background rows.

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
        contributions: Column -> its Shapley value. Their sum with `base_value` is `value`.
        unexplained: Column without a contribution -> reason.
    """

    output: str
    place: int | None
    value: float
    base_value: float
    contributions: Mapping[str, float]
    unexplained: Mapping[str, str]


class Explainer:
    """Computes Shapley values: the caller predicts the rows of `mixed`, and passes the outputs to `explanation`.

    Args:
        background: The rows to compare with.
        seed: Seed of the random orders.

    Attributes:
        rows: Number of rows that are predicted for each explanation.
    """

    def __init__(self, background: Background, seed: int = SEED) -> None:
        self._background = background
        self._names = list(background.cells)
        width = len(self._names)
        count = background.rows if width <= EXACT else min(background.rows, MOST_ROWS // (2 * width))
        # The background rows are in the order of the split, so that evenly spaced ones represent all of it.
        self._used = np.arange(max(count, 1)) * background.rows // max(count, 1)
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
        """Return the rows to predict: the explained row itself first, then mixtures of it with background rows.

        Returns:
            Whether each cell comes from the explained row, bool (rows, columns); and the background row of the other
            cells, int (rows,).
        """
        row_itself, width = np.ones((1, len(self._names)), bool), len(self._names)
        explained_position = np.zeros(1, np.int64)
        count = len(self._used)
        if self._orders is None:
            masks = np.repeat(sets, count, axis=0)
            return np.concatenate([row_itself, masks]), np.concatenate(
                [explained_position, np.tile(self._used, len(sets))]
            )
        masks = np.concatenate([row_itself, np.zeros((count, width), bool), sets.reshape(-1, width)])
        return masks, np.concatenate([explained_position, self._used, np.repeat(self._used, 2 * (width - 1))])

    def mixed(self, row: Mapping[str, Any]) -> dict[str, Array]:
        """Build the rows to predict.

        Args:
            row: Input -> cell of the explained row, as an element of the input's array.

        Returns:
            Input of `serving_default` -> array of (rows,).
        """
        inputs: dict[str, Array] = {}
        for position, name in enumerate(self._names):
            inputs[name] = self._background.cells[name][self._rows_of]
            from_row = self._masks[:, position]
            inputs[name][from_row] = _repeated(row[name], int(from_row.sum()))
        for name in self._background.unexplained:
            inputs[name] = _repeated(row[name], self.rows)
        return inputs

    def explanation(self, outputs: Mapping[str, Array]) -> Explanation:
        """Compute the contributions of the columns.

        Args:
            outputs: Output -> array of (rows, ...), predicted for the rows of `mixed`.

        Raises:
            NotExplainableError: the model has none of the outputs that can be explained.
        """
        output, output_index = _explained(outputs)
        values = np.asarray(outputs[output], np.float64)
        values = values[:, output_index] if output_index is not None else values.reshape(-1)
        contributions = self._exact(values) if self._orders is None else self._sampled(values)
        columns = self._background.columns
        return Explanation(
            output,
            output_index,
            float(values[0]),
            float(values[1 : 1 + len(self._used)].mean()),
            {columns[name]: float(contribution) for name, contribution in zip(self._names, contributions, strict=True)},
            {columns[name]: text for name, text in self._background.unexplained.items()},
        )

    def _exact(self, values: Array) -> Array:
        width = len(self._names)
        means = np.append(values[1:].reshape(2**width - 1, -1).mean(axis=1), values[0])
        contributions = np.zeros(width)
        for position in range(width):
            for number in range(2**width):
                if not number >> position & 1:
                    weight = 1 / (width * math.comb(width - 1, number.bit_count()))
                    contributions[position] += weight * (means[number | 1 << position] - means[number])
        return contributions

    def _sampled(self, values: Array) -> Array:
        assert self._orders is not None
        count, width = len(self._used), len(self._names)
        steps = np.empty((count, 2, width + 1))
        steps[:, :, 0] = values[1 : 1 + count, np.newaxis]
        steps[:, :, 1:width] = values[1 + count :].reshape(count, 2, width - 1)
        steps[:, :, width] = values[0]
        contributions = np.zeros(width)
        np.add.at(contributions, self._orders, np.diff(steps, axis=2))
        return contributions / (2 * count)


def _repeated(cell: Any, count: int) -> Array:
    """Repeat a cell; bytes go into an object array, because NumPy's bytes dtype drops trailing zeros."""
    if not isinstance(cell, bytes | str):
        return np.full(count, cell)
    cells = np.empty(count, object)
    cells[:] = [cell] * count
    return cells


def _explained(outputs: Mapping[str, Array]) -> tuple[str, int | None]:
    """Choose the output to explain, and the class or centre whose value is explained; None if it has only one."""
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
