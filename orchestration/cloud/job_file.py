"""Reading of compiled files."""

import json
from typing import Any

import yaml


def read(path: str) -> dict[str, Any]:
    """Return the job in a compiled file: a PipelineJob of Vertex AI, or the PipelineSpec of Kubeflow.

    Args:
        path: The file; .json for Vertex AI. In a file for Kubeflow, a second document holds settings of pods.
    """
    with open(path, encoding="utf-8") as file:
        job: dict[str, Any] = json.load(file) if path.endswith(".json") else next(yaml.safe_load_all(file))
    return job
