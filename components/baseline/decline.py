"""Decline of a model from the best previous model, by metric: stored with its blessing for the next comparison."""

import json
from typing import Any

PROPERTY = "declines"
"""Custom property of a blessing: JSON, metric -> relative decline."""


def of(artifact: Any) -> dict[str, float]:
    """Read the declines stored with a blessing, or with a model imported from a version; empty if there are none."""
    text = artifact.get_string_custom_property(PROPERTY) if artifact is not None else ""
    declines: dict[str, float] = json.loads(text) if text else {}
    return declines


def of_model(blessing: Any, model_id: int) -> dict[str, float] | None:
    """Read the declines of a model from its blessing; None if the blessing is of another model, or there is none."""
    blessed_id = blessing.get_int_custom_property("current_model_id") if blessing is not None else 0
    return of(blessing) if blessed_id and blessed_id == model_id else None
