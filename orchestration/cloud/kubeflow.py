"""Target Kubeflow Pipelines (open source): the job is a pipeline spec in YAML."""

from collections.abc import Mapping
from typing import Any

import yaml

TITLE = "Kubeflow Pipelines"
SCHEMES: tuple[str, ...] = ("gs", "s3", "minio")
"""URL schemes of the buckets that the launcher in each pod supports."""
SUFFIXES: tuple[str, ...] = (".yaml", ".yml")
MARK = "# PIPELINE DEFINITION\n"
"""Text in every compiled file, so that no other file is overwritten."""
NOT_RUN: tuple[str, ...] = ("resolver", "lifecycle")
"""Keys of executors that the platform does not run: resolvers, and drivers that run before the cache lookup."""


def render(job: Mapping[str, Any], platform: Mapping[str, Any] | None = None) -> str:
    """Return the text of the file for `kfp`: the spec, with the default root of all artifacts.

    Args:
        job: A PipelineJob in its JSON form.
        platform: Settings of pods, a second document of the file; None without any.
    """
    spec = {**job["pipelineSpec"], "defaultPipelineRoot": job["runtimeConfig"]["gcsOutputDirectory"]}
    head = f"{MARK}# Name: {spec['pipelineInfo']['name']}\n"
    # Lines are not folded, so that a diff of two jobs shows the changed values.
    documents = [spec, *([dict(platform)] if platform else [])]
    return head + str(yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=float("inf")))
