"""The order that the supervisor sends to a worker: everything that the worker needs to know about a run."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.config import Config
from spec.rows import data_paths


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """One run of one pipeline.

    Attributes:
        run_id: The run.
        run_folder: Its folder.
        root: Folder of all runs.
        metadata: URL of the store, which may hold a password; None for SQLite under the root.
        scratch: Folder of the run's temporary files, removed at its end.
        pipeline: Name of the pipeline, with its variant.
        config: Its config.
        columns: Column name -> type (INT, FLOAT, BYTES) of the approved schema.
        data: Paths or patterns of the data.
        data_content: Digest of the data.
        schema: Path of the approved schema.
        schema_content: Digest of the schema.
        skew: Paths of served rows that validation compares with; None without [gates] skew.
        skew_content: Digest of the served rows; empty without any.
        predicted: Paths of the rows that [inference] predicts; None without it.
        predicted_content: Digest of these rows; empty without any.
        code: Digest of the code that the supervisor planned with; None to accept any.
        beam_args: Arguments of every Beam pipeline.
        cache: Whether unchanged stages are served from earlier runs.
        advisory: Whether gates and rules report and refuse nothing.
        first: First stage to run; the outputs of those before it come from `base`. None for all stages.
        base: Run that the outputs before `first` are taken from, or None.
        to: Last stage to run, with those that it needs; None for all stages.
        only: Whether `first`, which is `to`, is the only stage that runs.
    """

    run_id: str
    run_folder: str
    root: str
    metadata: str | None
    scratch: str
    pipeline: str
    config: Config
    columns: Mapping[str, str]
    data: data_paths.Paths
    data_content: str
    schema: str
    schema_content: str
    skew: data_paths.Paths | None = None
    skew_content: str = ""
    predicted: data_paths.Paths | None = None
    predicted_content: str = ""
    code: str | None = None
    beam_args: tuple[str, ...] = field(default=())
    cache: bool = True
    advisory: bool = False
    first: str | None = None
    base: str | None = None
    to: str | None = None
    only: bool = False

    def to_json(self) -> str:
        """Return the order as JSON."""
        values = {key.name: getattr(self, key.name) for key in dataclasses.fields(self)}
        return json.dumps({**values, "config": self.config.plain()})

    @classmethod
    def from_json(cls, text: str) -> "RunOrder":
        """Read the order from the JSON of `to_json`.

        Raises:
            TypeError: a field is missing or unknown.
            ValueError: the config is not valid.
        """
        values = json.loads(text)
        return cls(
            **{**values, "config": Config.model_validate(values["config"]), "beam_args": tuple(values["beam_args"])}
        )
