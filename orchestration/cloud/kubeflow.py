"""Open-source Kubeflow Pipelines: its job is a pipeline spec in YAML."""

from collections.abc import Mapping
from typing import Any

import yaml

TITLE = "Kubeflow Pipelines"
SCHEMES: tuple[str, ...] = ("gs", "s3", "minio")
"""Kinds of bucket that the launcher in each pod knows."""
SUFFIXES: tuple[str, ...] = (".yaml", ".yml")
MARK = "# PIPELINE DEFINITION\n"
"""In every file that was compiled, so that no other file is replaced."""
NOT_RUN: tuple[str, ...] = ("resolver", "lifecycle")
"""Keys of executors: the platform has no resolvers, and no driver that runs before the cache is asked."""


def render(job: Mapping[str, Any]) -> str:
    """The file for `kfp`: the spec alone, with the root of all artifacts as its default."""
    spec = {**job["pipelineSpec"], "defaultPipelineRoot": job["runtimeConfig"]["gcsOutputDirectory"]}
    head = f"{MARK}# Name: {spec['pipelineInfo']['name']}\n"
    # Unfolded, so that the diff of two jobs shows the values that changed.
    return head + str(yaml.safe_dump(spec, sort_keys=True, allow_unicode=True, width=float("inf")))
