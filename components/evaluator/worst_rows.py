"""The rows that a model is most wrong about."""

from typing import Any

import numpy as np

from components.evaluator.metrics.accumulators import Array, Measure

MOST = 20


class Worst:
    """Keeps the rows of largest error, over all batches.

    Args:
        measure: Tells each row's error, label and answer.
    """

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._rows: list[dict[str, Any]] = []

    def add(self, rows: Array, label: Array, answer: dict[str, Array], identifiers: list[Any] | None) -> None:
        """See one batch.

        Args:
            rows: int64 (n,), numbers of the rows in the split.
            label: (n,).
            answer: The model's.
            identifiers: What names each row, if a column does.
        """
        errors = self._measure.errors(label, answer)
        finite = np.where(np.isnan(errors), np.inf, errors)
        for row in np.argsort(-finite, kind="stable")[:MOST]:
            if finite[row] > -np.inf:
                truth, told = self._measure.shown(label, answer, int(row))
                named = {"id": identifiers[row]} if identifiers else {}
                found = {"row": int(rows[row]), **named, "label": truth, "answer": told}
                self._rows.append({**found, "error": float(errors[row])})
        self._rows.sort(key=lambda found: (-_height(found["error"]), found["row"]))
        del self._rows[MOST:]

    def rows(self) -> list[dict[str, Any]]:
        """At most 20 rows, the worst first: `row` (number in the split, from 0), `id`, `label`, `answer`, `error`."""
        return list(self._rows)


def _height(error: float) -> float:
    return error if error == error else float("inf")
