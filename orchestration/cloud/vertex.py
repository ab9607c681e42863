"""Target Vertex AI Pipelines: the job is a PipelineJob in JSON."""

import json
from collections.abc import Mapping
from typing import Any

TITLE = "Vertex AI"
SCHEMES: tuple[str, ...] = ("gs",)
"""URL schemes of the buckets that the service supports."""
SUFFIXES: tuple[str, ...] = (".json",)
MARK = '"pipelineSpec": {'
"""Text in every compiled file, so that no other file is overwritten."""
NOT_RUN: tuple[str, ...] = ()
"""Keys of executors that the service does not run: none."""


def render(job: Mapping[str, Any], platform: Mapping[str, Any] | None = None) -> str:
    """Return the text of the file for `aiplatform.PipelineJob`; the service has no settings of pods."""
    del platform
    return json.dumps(job, indent=1, sort_keys=True) + "\n"
