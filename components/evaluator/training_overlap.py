"""Share of the evaluated rows that a model was trained on, and that it therefore predicts too well."""

from typing import Any

import numpy as np

from components.validation.gate_context import TRAIN
from components.validation.gate_inputs import row_profiles
from errors import ResourceError

MAX_SURPLUS = 0.05
"""Largest share of the rows that a baseline may have been trained on beyond those that the candidate was trained on."""


def training_shares(examples: Any, baseline_examples: Any, split: str) -> tuple[float, float] | None:
    """Compute which shares of a split's rows the baseline and the candidate were trained on.

    Args:
        examples: Examples artifact of the candidate.
        baseline_examples: Examples artifact of the baseline.
        split: The evaluated split.

    Returns:
        The shares of baseline and candidate, by the digests of the rows; None if unknown.
    """
    if examples.id == baseline_examples.id:
        return None
    try:
        candidate, baseline = row_profiles([examples]).digests, row_profiles([baseline_examples]).digests
    except (ResourceError, OSError):
        return None
    rows = candidate.get(split)
    if rows is None or not len(rows) or TRAIN not in candidate or TRAIN not in baseline:
        return None
    return float(np.isin(rows, baseline[TRAIN]).mean()), float(np.isin(rows, candidate[TRAIN]).mean())
