"""The evaluator node."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from components.evaluator.executor import Executor
from components.fingerprints import code_digest
from spec import settings


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
    settings_folder: str | None = None,
) -> Evaluator:
    """Make the node `evaluator`.

    Args:
        examples: Channel of raw Examples with split `split`.
        model: Channel of Model.
        baseline_model: Channel of Model, which may be empty.
        baseline_blessing: Channel of the baseline's ModelBlessing, which may be empty.
        baseline_examples: Channel of the raw Examples that the baseline was trained on, which may be empty.
        task: regression, binary, classes, anomaly or clusters.
        label: The label's column, if there is one.
        columns: Column name -> schema type (INT, FLOAT, BYTES), at least of the slices and the identifier.
        slices: Slicings, each one or more parts: `column`, `name`, and `edges` or `quantiles` for buckets.
        max_slices: Slices of each slicing that are kept, the most frequent.
        threshold: binary: probability above which a row is answered with the second class.
        top_k: classes: how many classes top_k_accuracy looks at.
        precision_at: anomaly: rows that precision_at_k looks at; None for the number of anomalies.
        floor: Metric -> worst acceptable value.
        baseline: Comparisons with the baseline: `metric` and `tolerance`.
        rules: Rules of any slice: `metric`, `slice`, `floor`, `tolerance`, `min_count`.
        gaps: Largest differences between slices: `metric`, `slice`, `most`, `min_count`.
        identifier: The column that names a row.
        group: The column whose equal values make rows that are alike, which no interval takes as independent.
        weight: The column of the rows' weights, for display: the model's signature `labels` gives them.
        advisory: Rules are told and refuse nothing; a model whose answers are no numbers is refused all the same.
        importance: Rows on which each column's importance is measured; 0: none is.
        split: The split to evaluate on.
        settings_folder: Where long settings are kept; None for in line.

    Returns:
        A node with outputs `evaluation` (TFMA's files and verdict.json) and `blessing`.
    """
    needed = {
        *(name for name in (identifier, group) if name),
        *(part["column"] for slicing in slices for part in slicing),
    }
    packed = settings.pack(
        {
            "task": task,
            "label": label,
            "columns": {name: kind for name, kind in columns.items() if name in needed},
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
        },
        settings_folder,
    )
    spec = EvaluatorSpec(
        examples=examples,
        model=model,
        baseline_model=baseline_model,
        baseline_blessing=baseline_blessing,
        baseline_examples=baseline_examples,
        settings=json.dumps(packed),
        code=json.dumps(code_digest.stage(Executor.__module__)),
        evaluation=Channel(type=standard_artifacts.ModelEvaluation),
        blessing=Channel(type=standard_artifacts.ModelBlessing),
    )
    node: Evaluator = Evaluator(spec=spec).with_id("evaluator")
    return node
