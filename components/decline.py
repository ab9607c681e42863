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
