"""How far a model is below the best before it, metric by metric: kept with its blessing, for the next comparison."""

import json
from typing import Any

PROPERTY = "declines"
"""Custom property of a blessing: JSON, metric -> share."""


def of(artifact: Any) -> dict[str, float]:
    """The shares that a blessing, or a model made from a version's files, keeps; empty where it keeps none."""
    text = artifact.get_string_custom_property(PROPERTY) if artifact is not None else ""
    kept: dict[str, float] = json.loads(text) if text else {}
    return kept


def own(blessing: Any, model_id: int) -> dict[str, float] | None:
    """The shares of a blessing that is about this very model; None where it is about another, or there is none."""
    about = blessing.get_int_custom_property("current_model_id") if blessing is not None else 0
    return of(blessing) if about and about == model_id else None
