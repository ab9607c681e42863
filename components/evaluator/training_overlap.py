"""How many rows of a split a model was trained on: on those it is better than on rows that it has not seen."""

from typing import Any

import numpy as np

from components.validation.gate_context import TRAIN, gathered
from errors import ResourceError

MOST = 0.05
"""Share of the rows that a baseline may have been trained on beyond what the candidate was: more is no comparison."""


def seen(examples: Any, before: Any, split: str) -> tuple[float, float] | None:
    """Say which share of the rows the baseline and the candidate were trained on.

    Args:
        examples: The Examples artifact of the candidate.
        before: That of the baseline.
        split: The split whose rows are meant.

    Returns:
        Both shares, by the rows' digests; None where they are not known.
    """
    if examples.id == before.id:
        return None
    try:
        now, then = gathered([examples]).digests, gathered([before]).digests
    except (ResourceError, OSError):
        return None
    rows = now.get(split)
    if rows is None or not len(rows) or TRAIN not in now or TRAIN not in then:
        return None
    return float(np.isin(rows, then[TRAIN]).mean()), float(np.isin(rows, now[TRAIN]).mean())
