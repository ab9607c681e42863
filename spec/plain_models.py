"""Plain models that a run compares its network with. Plain Python, no TensorFlow."""

from collections.abc import Mapping
from typing import Literal

PlainModel = Literal["linear", "boosted_trees"]
LINEAR: PlainModel = "linear"
TREES: PlainModel = "boosted_trees"
PLAIN_MODELS: tuple[PlainModel, ...] = (LINEAR, TREES)
"""The plain models, in the order in which they are fitted."""
TASKS = ("regression", "binary", "classes")
"""Kinds of tasks for which there are plain models."""
STAGE = "plain-models"
"""Id of the stage that fits them."""


def title(name: str, task: str) -> str:
    """Return a plain model's name in sentences."""
    titles: Mapping[str, str] = {
        LINEAR: "linear regression" if task == "regression" else "logistic regression",
        TREES: "boosted trees",
    }
    return titles[name]
