"""binary: the label is one of two classes."""

from models.tasks import classes_task
from models.tasks.classes_task import ClassTarget
from models.tasks.targets import Array
from spec.columns.label import Label
from spec.columns.task import Task

TASK = Task(
    kind="binary",
    label_keys=("positive", "threshold", "classes"),
    losses=("cross_entropy", "focal", "mse", "mae", "huber", "sum_of_squares"),
    monitors=("loss", "accuracy"),
)


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None, loss: str) -> ClassTarget:
    """Return the target; see models/tasks/__init__.py."""
    return ClassTarget(classes_task.class_names(label, transformed, classes), binary=True, loss_name=loss)
