"""Trainer node: trains a SavedModel on transformed examples."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.io import fileio
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.types.channel import Channel

from components import example_passes, summary
from components.fingerprints import code_digest
from manifest import Shard
from models import network_files
from models.training.training_config import TrainerConfig
from spec import settings
from spec.columns import task as tasks
from spec.file_names import OUTCOME

TRAINING = "models.training.run_fn"


class TrainerSpec(standard_component_specs.TrainerSpec):  # type: ignore[misc]
    """Spec of the stock Trainer, with the raw examples as a further input."""

    INPUTS: ClassVar[dict[str, Any]] = {
        **standard_component_specs.TrainerSpec.INPUTS,
        "raw_examples": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }


class Executor(GenericExecutor):  # type: ignore[misc]
    """Stock Trainer that also passes sample rows for the exported model, and writes a summary line."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Train and export a model."""
        super().Do(input_dict, output_dict, exec_properties)
        run = artifact_utils.get_single_instance(output_dict["model_run"])
        with fileio.open(f"{run.uri}/{OUTCOME}") as file:
            outcome = json.loads(file.read())
        summary.put(artifact_utils.get_single_instance(output_dict["model"]), sentence(outcome))

    def _GetFnArgs(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> Any:
        """Pass the files that the artifacts declare; stock TFX passes a pattern that matches any file in a folder."""
        arguments = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        paths_by_split = {name: _files(input_dict["examples"], name) for name in ("train", "eval")}
        arguments.train_files, arguments.eval_files = (
            [file.path for file in paths_by_split[name]] for name in ("train", "eval")
        )
        arguments.custom_config = {
            **arguments.custom_config,
            "rows": {file.path: file.rows for files in paths_by_split.values() for file in files},
            "raw_files": [file.path for file in _files(input_dict.get("raw_examples", ()), "eval")],
            "raw_train_files": [file.path for file in _files(input_dict.get("raw_examples", ()), "train")],
        }
        return arguments


def _files(examples: Iterable[Any], split: str) -> list[Shard]:
    return [file for artifact in examples for file in example_passes.files(artifact, split)]


def sentence(outcome: Mapping[str, Any]) -> str:
    """Summarize the training in one line.

    Args:
        outcome: Content of outcome.json.
    """
    best = outcome["best"]
    loss = next(best[name] for name in ("val_loss", "loss") if name in best)
    epochs = f"{outcome['keep']} epoch {best['epoch']} of {outcome['epochs']}" if best["epoch"] else "not trained"
    return "; ".join([f"{epochs}, eval loss {loss:.4g}", *outcome["notes"]])


class Trainer(BaseComponent):  # type: ignore[misc]
    """Trainer node with the executor above."""

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)


def trainer(
    *,
    examples: Any,
    transform_graph: Any,
    schema: Any,
    raw_examples: Any = None,
    hyperparameters: Any = None,
    config: Mapping[str, Any],
    start: Any = None,
    files: Iterable[str] = (),
    settings_folder: str | None = None,
) -> Trainer:
    """Create the node `trainer`.

    Args:
        examples: Channel of transformed Examples with splits train and eval.
        transform_graph: Channel of TransformGraph.
        schema: Channel of Schema.
        raw_examples: Channel of Examples as ingested; the model is exported with a few rows of the eval split and their
            predictions, and with a few of the train split, which explain predictions.
        hyperparameters: Channel of HyperParameters whose values override those of `network` and `training`; None
            without a tuner.
        config: `features`, `label`, `columns`, `network` and `training`.
        start: Channel of the model whose weights a warm start takes; None for random initial weights.
        files: Further files that user-defined code reads.
        settings_folder: Folder for long settings; None to pass them inline.

    Returns:
        A node with outputs `model` (SavedModel in Format-Serving) and `model_run` (history.jsonl).
    """
    packed = settings.pack(dict(config), settings_folder)
    parsed = TrainerConfig.model_validate(config)
    modules = (
        network_files.module(parsed.network_name),
        tasks.module(parsed.label.task),
        *parsed.features.modules(),
    )
    code = code_digest.stage(Executor.__module__, TRAINING, *modules, files=files, values=parsed.network)
    spec = TrainerSpec(
        examples=examples,
        transform_graph=transform_graph,
        schema=schema,
        raw_examples=raw_examples,
        base_model=start,
        hyperparameters=hyperparameters,
        run_fn=f"{TRAINING}.run_fn",
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config=json.dumps({"settings": packed, "code": code}),
        model=Channel(type=standard_artifacts.Model),
        model_run=Channel(type=standard_artifacts.ModelRun),
    )
    node: Trainer = Trainer(spec=spec).with_id("trainer")
    return node
