"""The evaluator node."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components import digest
from components.evaluator.executor import Executor
from models import settings


class EvaluatorSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "settings": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Evaluator(base_component.BaseComponent):  # type: ignore[misc]
    """Evaluates the exported model in batches and writes TFMA's results."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def evaluator(
    *,
    examples: Any,
    model: Any,
    baseline_model: Any,
    label: str | None,
    columns: Mapping[str, str],
    slices: tuple[tuple[str, ...], ...],
    floor: Mapping[str, float],
    baseline: Mapping[str, Any] | None,
    split: str = "test",
    settings_folder: str | None = None,
) -> Evaluator:
    """Make the node `evaluator`.

    Args:
        examples: Channel of raw Examples with split `split`.
        model: Channel of Model.
        baseline_model: Channel of Model, which may be empty.
        label: The label's column, if there is one.
        columns: Column name -> schema type (INT, FLOAT, BYTES), at least of the label and the slices.
        slices: Slicings, each one or more columns.
        floor: Metric -> worst acceptable value.
        baseline: `metric` and `tolerance` of the comparison with the baseline; None for no comparison.
        split: The split to evaluate on.
        settings_folder: Where long settings are kept; None for in line.

    Returns:
        A node with outputs `evaluation` (TFMA's files) and `blessing`.
    """
    needed = {*([label] if label else []), *(column for slicing in slices for column in slicing)}
    packed = settings.pack(
        {
            "label": label,
            "columns": {name: kind for name, kind in columns.items() if name in needed},
            "slices": [list(slicing) for slicing in slices],
            "floor": dict(floor),
            "baseline": dict(baseline) if baseline else None,
            "split": split,
        },
        settings_folder,
    )
    spec = EvaluatorSpec(
        examples=examples,
        model=model,
        baseline_model=baseline_model,
        settings=json.dumps(packed),
        code=digest.code("components.evaluator.executor"),
        evaluation=Channel(type=standard_artifacts.ModelEvaluation),
        blessing=Channel(type=standard_artifacts.ModelBlessing),
    )
    node: Evaluator = Evaluator(spec=spec).with_id("evaluator")
    return node
