"""The rows with the largest errors."""

from typing import Any

import numpy as np

from components.evaluator.metric import Measure
from components.evaluator.sums.accumulators import Array

MAX_ROWS = 20


class WorstRows:
    """Collects the rows with the largest errors over all batches.

    Args:
        measure: Computes the error of each row.
    """

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._rows: list[dict[str, Any]] = []

    def add(self, rows: Array, label: Array, predictions: dict[str, Array], identifiers: list[Any] | None) -> None:
        """Add a batch.

        Args:
            rows: int64 (n,), row numbers in the split.
            label: (n,).
            predictions: Outputs of the model.
            identifiers: Identifier of each row; None without an id column.
        """
        errors = self._measure.errors(label, predictions)
        finite = np.where(np.isnan(errors), np.inf, errors)
        for row in np.argsort(-finite, kind="stable")[:MAX_ROWS]:
            if finite[row] > -np.inf:
                truth, prediction = self._measure.shown(label, predictions, int(row))
                identifier = {"id": identifiers[row]} if identifiers else {}
                values = {"row": int(rows[row]), **identifier, "label": truth, "answer": prediction}
                self._rows.append({**values, "error": float(errors[row])})
        self._rows.sort(key=lambda row: (-_sort_key(row["error"]), row["row"]))
        del self._rows[MAX_ROWS:]

    def rows(self) -> list[dict[str, Any]]:
        """Return up to 20 rows, worst first: `row` (number in the split, from 0), `id`, `label`, `answer`, `error`."""
        return list(self._rows)


def _sort_key(error: float) -> float:
    return error if error == error else float("inf")
