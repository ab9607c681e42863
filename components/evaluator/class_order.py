"""Order of the classes of one model in the predictions of another."""

from collections.abc import Sequence


class UnknownClassError(ValueError):
    """A model does not know all classes of the rows; the message names those that it lacks, without a subject."""


def match(model_classes: Sequence[str], classes: Sequence[str], kind: str) -> tuple[list[int], list[str]]:
    """Match the classes of a model with those that its probabilities must have.

    Args:
        model_classes: The classes of the model, in order.
        classes: The wanted classes, in order.
        kind: Kind of the task, binary or classes.

    Returns:
        Index in `model_classes` of each wanted class, and the other classes of the model.

    Raises:
        UnknownClassError: the model of several classes has some of the wanted ones, but not all.
        ValueError: the model has other classes.
    """
    others = [name for name in model_classes if name not in classes]
    lacking = [name for name in classes if name not in model_classes]
    if kind == "classes" and 0 < len(lacking) < len(classes):
        noun, whose = ("class", "its") if len(lacking) == 1 else ("classes", "their")
        names = ", ".join(map(repr, lacking))
        raise UnknownClassError(f"does not know the {noun} {names}, so it is wrong on all {whose} rows")
    if lacking or (others and kind == "binary"):
        raise ValueError(f"its classes are {list(model_classes)}, those of this model are {list(classes)}")
    return [model_classes.index(name) for name in classes], others
