"""One task a file: `NAME_task.py` is the task that [label] task = "NAME" names.

A file has

- `TASK`: a spec.columns.task.Task: the kind of its label and predictions, the keys of [label] that apply, its losses,
  and the metrics of each epoch;
- `target(label, transformed, classes, loss)`: returns the training target (models.tasks.targets.Target), which converts
  the label to the training target, and the network's outputs to predictions. It gets [label], the transformed label
  of the train split, (rows, 1), the class names that this split has, and the name of the loss; it raises ValueError if
  the labels do not fit.

Configs are read without TensorFlow, so a file imports it inside functions only. A user-defined task is such a file of
the project, named by its dotted path: `[label] task = "my_folder.my_task"`. Everything else follows the kind: checks of
[label] and of the data, signatures, metrics, and the networks that fit.
"""
