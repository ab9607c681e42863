"""Transformation node: maps raw columns to model features; analyzes only the train split."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tfx.components.transform.component import Transform
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.proto import transform_pb2

from components.fingerprints import code_digest
from components.transformation.executor import Executor
from models.transform_graph.preprocessing import TransformConfig
from spec import settings
from spec.columns import task as tasks

PREPROCESSING = "models.transform_graph.preprocessing"


class Transformation(Transform):  # type: ignore[misc]
    """TFX's Transform component with the executor of this package."""

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)


def transformation(
    *,
    examples: Any,
    schema: Any,
    config: Mapping[str, Any],
    analyze: tuple[str, ...] = ("train",),
    transform: tuple[str, ...] = ("train", "eval"),
    files: Iterable[str] = (),
    settings_folder: str | None = None,
) -> Transformation:
    """Create the node `transformation`.

    Args:
        examples: Channel of Examples.
        schema: Channel of Schema.
        config: Settings of models/transform_graph/preprocessing.py: `features`, `label`, `columns`, `preprocessing`.
        analyze: Splits from which means, vocabularies and quantiles are computed.
        transform: Splits to transform.
        files: Additional files that user-defined code reads; they are part of the cache key.
        settings_folder: Folder for long settings; None to pass them inline.

    Returns:
        A node with outputs `transform_graph` and `transformed_examples`.
    """
    packed = settings.pack(dict(config), settings_folder)
    parsed = TransformConfig.model_validate(config)
    modules = [parsed.preprocessing.rpartition(".")[0]] if parsed.preprocessing else []
    modules += [*tasks.own_modules(parsed.label.task), *parsed.features.modules()]
    node: Transformation = Transformation(
        examples=examples,
        schema=schema,
        preprocessing_fn=f"{PREPROCESSING}.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=list(analyze), transform=list(transform)),
        custom_config={
            "settings": json.loads(json.dumps(packed)),
            "code": code_digest.stage(Executor.__module__, PREPROCESSING, *modules, files=files),
        },
        disable_statistics=True,
        disable_analyzer_cache=True,
    ).with_id("transformation")
    return node
