"""The evaluator node."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components.evaluator import metric_catalog
from components.evaluator.evaluator_settings import SlicePart
from components.evaluator.executor import Executor
from components.fingerprints import code_digest
from spec import settings
from spec.columns import task as tasks


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
        "baseline_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "baseline_examples": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "plain_predictions": component_spec.ChannelParameter(type=standard_artifacts.InferenceResult, optional=True),
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
    baseline_blessing: Any = None,
    baseline_examples: Any = None,
    plain_predictions: Any = None,
    task: str,
    label: str | None,
    columns: Mapping[str, str],
    slices: Sequence[Sequence[Mapping[str, Any]]] = (),
    max_slices: int = 100,
    threshold: float = 0.5,
    top_k: int = 3,
    precision_at: int | None = None,
    floor: Mapping[str, float] | None = None,
    baseline: Sequence[Mapping[str, Any]] = (),
    rules: Sequence[Mapping[str, Any]] = (),
    gaps: Sequence[Mapping[str, Any]] = (),
    identifier: str | None = None,
    group: str | None = None,
    weight: str | None = None,
    advisory: bool = False,
    importance: int = 0,
    split: str = "test",
    metrics: Sequence[str] = (),
    files: Sequence[str] = (),
    settings_folder: str | None = None,
) -> Evaluator:
    """Make the node `evaluator`.

    Args:
        examples: Channel of raw Examples with split `split`.
        model: Channel of Model.
        baseline_model: Channel of Model, which may be empty.
        baseline_blessing: Channel of the baseline's ModelBlessing, which may be empty.
        baseline_examples: Channel of the raw Examples that the baseline was trained on, which may be empty.
        plain_predictions: Channel of predictions of plain models (InferenceResult); None without them.
        task: Task of the label.
        label: Column of the label; None without one.
        columns: Column name -> schema type (INT, FLOAT, BYTES), at least of slices and identifier.
        slices: Slicings of one or more parts: `column`, `name`, and `edges` or `quantiles` for buckets.
        max_slices: Number of slices to measure per slicing, the most frequent.
        threshold: binary: probability above which the second class is predicted.
        top_k: classes: number of most likely classes that top_k_accuracy counts.
        precision_at: anomaly: number of rows that precision_at_k counts; None for the number of anomalies.
        floor: Metric -> worst acceptable value.
        baseline: Comparisons with the baseline: `metric` and `tolerance`.
        rules: Rules of any slice: `metric`, `slice`, `floor`, `tolerance`, `min_count`.
        gaps: Largest differences between slices: `metric`, `slice`, `max_difference`, `min_count`.
        identifier: Column that identifies a row.
        group: Column whose equal values make dependent rows, for the intervals.
        weight: Column of the row weights, for display: the model's signature `labels` computes them.
        advisory: Whether failed rules only warn; a model with predictions that are not finite is not blessed anyway.
        importance: Number of rows on which permutation importance is measured; 0 for none.
        split: Split to evaluate on.
        metrics: Dotted paths of user-defined metrics.
        files: Files that user-defined metrics read.
        settings_folder: Folder for long settings; None keeps them inline.

    Returns:
        A node with outputs `evaluation` (TFMA's files and verdict.json) and `blessing`.
    """
    slice_columns = {
        *(name for name in (identifier, group) if name),
        *(part.column for slicing in slices for part in map(SlicePart.model_validate, slicing)),
    }
    user_modules = (path.rpartition(".")[0] for path in metrics)
    modules = dict.fromkeys(
        [Executor.__module__, *tasks.own_modules(task), *metric_catalog.module_names(), *user_modules]
    )
    packed = settings.pack(
        {
            "task": task,
            "label": label,
            "columns": {name: kind for name, kind in columns.items() if name in slice_columns},
            "slices": [[dict(part) for part in slicing] for slicing in slices],
            "max_slices": max_slices,
            "threshold": threshold,
            "top_k": top_k,
            "precision_at": precision_at,
            "floor": dict(floor or {}),
            "baseline": [dict(entry) for entry in baseline],
            "rules": [dict(entry) for entry in rules],
            "gaps": [dict(entry) for entry in gaps],
            "identifier": identifier,
            "group": group,
            "weight": weight,
            "advisory": advisory,
            "importance": importance,
            "split": split,
            "metrics": list(metrics),
        },
        settings_folder,
    )
    spec = EvaluatorSpec(
        examples=examples,
        model=model,
        baseline_model=baseline_model,
        baseline_blessing=baseline_blessing,
        baseline_examples=baseline_examples,
        plain_predictions=plain_predictions,
        settings=json.dumps(packed),
        # Metrics are imported by name, so that the executor's source does not reach them.
        code=json.dumps(code_digest.stage(*modules, files=files if metrics else ())),
        evaluation=Channel(type=standard_artifacts.ModelEvaluation),
        blessing=Channel(type=standard_artifacts.ModelBlessing),
    )
    node: Evaluator = Evaluator(spec=spec).with_id("evaluator")
    return node
