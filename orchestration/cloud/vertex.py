"""Vertex AI Pipelines: its job is a whole PipelineJob in JSON."""

import json
from collections.abc import Mapping
from typing import Any

TITLE = "Vertex AI"
SCHEMES: tuple[str, ...] = ("gs",)
"""Kinds of bucket that the service writes to."""
SUFFIXES: tuple[str, ...] = (".json",)
MARK = '"pipelineSpec": {'
"""In every file that was compiled, so that no other file is replaced."""
NOT_RUN: tuple[str, ...] = ()
"""Keys of executors: the service runs all that TFX compiles."""


def render(job: Mapping[str, Any]) -> str:
    """The file for `aiplatform.PipelineJob`."""
    return json.dumps(job, indent=1, sort_keys=True) + "\n"
