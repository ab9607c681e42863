"""Where a run's files are under the root folder: every path convention, in one place."""

import os
import secrets
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Root:
    """The folder of all runs.

    Attributes:
        path: Absolute path; holds metadata.sqlite and one folder a pipeline.
    """

    path: str

    def pipeline(self, name: str) -> str:
        """One pipeline's folder."""
        return os.path.join(self.path, name)

    def artifacts(self, name: str) -> str:
        """Artifacts, one folder a node."""
        return os.path.join(self.pipeline(name), "artifacts")

    def serving(self, name: str) -> str:
        """Pushed models, one folder a version."""
        return os.path.join(self.pipeline(name), "serving")

    def settings(self, name: str) -> str:
        """Settings too long for an execution property."""
        return os.path.join(self.pipeline(name), "settings")

    def queries(self, name: str) -> str:
        """Rows that a query gave, one Parquet file for each content."""
        return os.path.join(self.pipeline(name), "queries")

    def trials(self, name: str) -> str:
        """Finished trials of the tuner, one file each."""
        return os.path.join(self.pipeline(name), "trials")

    def runs(self, name: str) -> str:
        """One pipeline's runs, one folder each."""
        return os.path.join(self.pipeline(name), "runs")

    def run(self, name: str, run_id: str) -> str:
        """One run's folder: run.json, events.jsonl, logs/."""
        return os.path.join(self.runs(name), run_id)


def new_run_id() -> str:
    """Date and time in UTC and two random bytes: sorts by start, and two runs in one second differ."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
