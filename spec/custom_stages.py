"""[stages]: stages of the user's own, each placed after a stage of the pipeline."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator

from spec.base import Strict


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Dotted paths of functions; one or a list."""
GENERIC = "component"
"""Name of a function whose stage is named after its module."""


class Stages(Strict):
    """Custom stages: functions in modules of the project folder.

    A function takes artifacts of the stages before it by name and returns a TFX component; the next stage waits for it.
    """

    after_ingestion: Paths = ()
    """Custom stages after ingestion, such as "my_stage.component"; one or a list. Artifacts: examples, schema."""
    after_statistics: Paths = ()
    """Custom stages after statistics. Further artifacts: statistics."""
    after_validation: Paths = ()
    """Custom stages after validation. Further artifacts: anomalies."""
    after_transformation: Paths = ()
    """Custom stages after transformation. Further artifacts: transform_graph, transformed_examples."""
    after_tuner: Paths = ()
    """Custom stages after the tuner. Further artifacts: best_hyperparameters, tuner_results."""
    after_trainer: Paths = ()
    """Custom stages after the trainer. Further artifacts: model, model_run."""
    after_evaluator: Paths = ()
    """Custom stages after the evaluator. Further artifacts: evaluation, blessing."""
    after_pusher: Paths = ()
    """Custom stages after the pusher. Further artifacts: pushed_model."""

    def entries(self) -> Iterator[tuple[str, str]]:
        """Yield each custom stage in order: the stage that it comes after, and the dotted path of its function."""
        for key in type(self).model_fields:
            for path in getattr(self, key):
                yield key.removeprefix("after_"), path

    def modules(self) -> list[str]:
        """Return the modules of all custom stages."""
        return [path.rpartition(".")[0] for _, path in self.entries()]

    def ids(self) -> list[str]:
        """Return the ids of all custom stages."""
        return [stage_id(path) for _, path in self.entries()]


def stage_id(path: str) -> str:
    """Return the id of a custom stage: the name of its function, or of its module if the function is `component`.

    Args:
        path: Dotted path of the function.
    """
    *_, module, function = ["", *path.split(".")]
    return (module if function == GENERIC else function).replace("_", "-").lower()
