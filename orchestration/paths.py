"""Paths of files and folders below the root folder."""

import os
import secrets
from dataclasses import dataclass

from spec.timing import utc

DRY_RUN_MODES = ("subprocess", "fork")
"""Values of --dry-run: how a step is started."""


@dataclass(frozen=True)
class Root:
    """The folder of all runs.

    Attributes:
        path: Absolute path; contains metadata.sqlite and one folder per pipeline.
    """

    path: str

    def pipeline(self, name: str) -> str:
        """Return the folder of a pipeline."""
        return os.path.join(self.path, name)

    def artifacts(self, name: str) -> str:
        """Return the folder of artifacts, which has one folder per node."""
        return os.path.join(self.pipeline(name), "artifacts")

    def serving(self, name: str) -> str:
        """Return the serving folder, which has one folder per version."""
        return os.path.join(self.pipeline(name), "serving")

    def accepted(self, name: str) -> str:
        """Return the folder of the data that runs on a cloud accepted, one file for each distinct data."""
        return os.path.join(self.pipeline(name), "accepted")

    def exports(self, name: str, form: str) -> str:
        """Return the folder of exported models of a format."""
        return os.path.join(self.pipeline(name), "exports", form)

    def settings(self, name: str) -> str:
        """Return the folder of settings that are too long for an execution property."""
        return os.path.join(self.pipeline(name), "settings")

    def queries(self, name: str) -> str:
        """Return the folder of query results, which has one Parquet file per distinct content."""
        return os.path.join(self.pipeline(name), "queries")

    def trials(self, name: str) -> str:
        """Return the folder of the tuner's finished trials, one file per trial."""
        return os.path.join(self.pipeline(name), "trials")

    def dry_run(self, target: str, name: str) -> str:
        """Return the folder of a pipeline's dry runs for a platform: buckets, cache.json, runs/."""
        return os.path.join(self.path, ".dry-run", target, name)

    def runs(self, name: str) -> str:
        """Return the folder of a pipeline's runs, which has one folder per run."""
        return os.path.join(self.pipeline(name), "runs")

    def run(self, name: str, run_id: str) -> str:
        """Return the folder of a run: run.json, events.jsonl, logs/."""
        return os.path.join(self.runs(name), run_id)


def new_run_id() -> str:
    """Return UTC date and time with two random bytes: sorts by start, and runs of the same second differ."""
    return f"{utc.name()}-{secrets.token_hex(2)}"
