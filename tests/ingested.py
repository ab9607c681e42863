"""The executor of ingestion on a small table, in the test process."""

import json

from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts

from components.ingestion import executor
from components.ingestion.discovery import data_files
from spec import settings
from spec.data import Data


def digest_of(path):
    """The content digest of a table, as a run passes it to ingestion."""
    return data_files.content(data_files.resolve(str(path), Data(path="x")))


def prepared(path, uri, content, beam_pipeline):
    """Returns a function that ingests a table with the columns `id` and `lat`, and returns the artifact."""
    config = {
        "paths": str(path),
        "data": Data(path=str(path)).model_dump(mode="json"),
        "columns": {"id": "INT", "lat": "FLOAT"},
        "duties": {"id": "id", "group": None, "time": None},
        "label": None,
        "complete": [],
        "read": [],
        "notes": [],
        "classes": False,
    }
    examples = standard_artifacts.Examples()
    examples.uri = str(uri)
    context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=beam_pipeline)
    properties = {"settings": json.dumps(settings.pack(config, None)), "content": content, "code": ""}

    def ingest():
        executor.Executor(context).Do({}, {"examples": [examples]}, properties)
        return examples

    return ingest
