"""[stages]: user-defined stages, each after a stage of the pipeline."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

from spec.base import Strict


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Dotted paths of functions; one or a list."""
GENERIC = "component"
"""Name of a function whose stage is named after its module."""


class CustomStage(NamedTuple):
    """A custom stage.

    Attributes:
        after: The stage that it comes after.
        path: Dotted path of its function.
    """

    after: str
    path: str

    @property
    def id(self) -> str:
        """Name of the function, or of the module if the function is `component`."""
        *_, module, function = ["", *self.path.split(".")]
        return (module if function == GENERIC else function).replace("_", "-").lower()


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
    """Custom stages after transformation. Further artifacts: plain_predictions, transform_graph,
    transformed_examples."""
    after_tuner: Paths = ()
    """Custom stages after the tuner. Further artifacts: best_hyperparameters, tuner_results."""
    after_trainer: Paths = ()
    """Custom stages after the trainer. Further artifacts: model, model_run."""
    after_evaluator: Paths = ()
    """Custom stages after the evaluator. Further artifacts: evaluation, blessing."""
    after_pusher: Paths = ()
    """Custom stages after the pusher. Further artifacts: pushed_model."""

    after_inference: Paths = ()
    """Custom stages after the predictions of [inference]. Further artifacts: inference_result."""

    def entries(self) -> Iterator[CustomStage]:
        """Yield the custom stages in order."""
        for key in type(self).model_fields:
            for path in getattr(self, key):
                yield CustomStage(key.removeprefix("after_"), path)

    def modules(self) -> list[str]:
        """Return the modules of all custom stages."""
        return [stage.path.rpartition(".")[0] for stage in self.entries()]

    def ids(self) -> list[str]:
        """Return the ids of all custom stages."""
        return [stage.id for stage in self.entries()]
