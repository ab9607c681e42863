"""A custom stage: writes the number of trained weights of a model, and stops the run if there are too many.

In configs/NAME.toml:

    [stages]
    after_trainer = "my_stage.component"

The stage is called `my-stage`, after the module; `--from`, `--to` and [limits] take this name.
"""

import json
import os

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component as tfx_component
from tfx.types.standard_artifacts import Model, ModelRun, String

from errors import GateError


@tfx_component
def count_weights(
    model: InputArtifact[Model],
    model_run: InputArtifact[ModelRun],
    weights: OutputArtifact[String],
    max_weights: Parameter[int] = 100_000,
) -> None:
    """Count the weights: runs on a worker, or in a container of a cloud job."""
    with open(os.path.join(model_run.uri, "network.json"), encoding="utf-8") as file:
        trainable = json.load(file)["trainable"]
    if trainable > max_weights:
        raise GateError(f"my-stage: {model.uri} has {trainable:,} weights, more than {max_weights:,}: use fewer units")
    weights.value = str(trainable)
    # The line that the run shows beside the stage.
    weights.set_string_custom_property("summary", f"{trainable:,} weights")


def component(*, model, model_run):
    """Return the stage; the parameters name the artifacts that it needs."""
    return count_weights(model=model, model_run=model_run, max_weights=50_000)
