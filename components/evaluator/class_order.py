"""Order of the classes of one model in the predictions of another."""

from collections.abc import Sequence


class UnknownClassError(ValueError):
    """A model does not know all classes of the rows; the message names those that it lacks, without a subject."""


def match(model_classes: Sequence[str], classes: Sequence[str], kind: str) -> tuple[list[int], list[str]]:
    """Match the classes of a model with those that its probabilities must have.

    Args:
        model_classes: The classes of the model, in order.
        classes: The required classes, in order.
        kind: Kind of the task, binary or classes.

    Returns:
        Index in `model_classes` of each required class, and the remaining classes of the model.

    Raises:
        UnknownClassError: a multiclass model has some of the required classes, but not all.
        ValueError: the classes do not match.
    """
    unmatched_classes = [name for name in model_classes if name not in classes]
    missing_classes = [name for name in classes if name not in model_classes]
    if kind == "classes" and 0 < len(missing_classes) < len(classes):
        noun, pronoun = ("class", "its") if len(missing_classes) == 1 else ("classes", "their")
        names = ", ".join(map(repr, missing_classes))
        raise UnknownClassError(f"does not know the {noun} {names}, so it is wrong on all {pronoun} rows")
    if missing_classes or (unmatched_classes and kind == "binary"):
        raise ValueError(f"its classes are {list(model_classes)}, those of this model are {list(classes)}")
    return [model_classes.index(name) for name in classes], unmatched_classes
