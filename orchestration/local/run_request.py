"""A run that a user requests."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestration.projects import project_selection
from pipeline.beam_arguments import BEAM_ARGS
from pipeline.variants import Name


@dataclass(frozen=True, kw_only=True)
class Request:
    """A run that the user requests.

    Attributes:
        name: The pipeline, and its variant or sample.
        overrides: `key=value` strings.
        root: Folder of all runs.
        data_root: Folder that data paths are relative to; None for the project.
        metadata: URL of the store; None for SQLite under the root.
        beam_args: Beam arguments of every stage.
        cache: Whether unchanged stages are served from earlier runs.
        verbose: Whether the log of a failed stage is printed.
        first: First stage to run, on outputs of an earlier run; None for all stages.
        to: Last stage to run, with those that it needs; None for all stages.
        only: Whether `first`, which is `to`, runs alone and its result is compared with the earlier one.
        new_run: Whether to start a new run instead of resuming an unfinished one.
        warm: Whether the process with the imports may be that of an earlier command, and stay for the next one.
    """

    name: Name
    overrides: Iterable[str] = ()
    root: str = "runs"
    data_root: str | None = None
    metadata: str | None = None
    beam_args: Iterable[str] = field(default=BEAM_ARGS)
    cache: bool = True
    verbose: bool = False
    first: str | None = None
    to: str | None = None
    only: bool = False
    new_run: bool = False
    warm: bool = False

    @property
    def again(self) -> str:
        """Command that runs the whole pipeline with the same config."""
        parts = ["--pipeline", self.name.pipeline, *(["--variant", self.name.variant] if self.name.variant else [])]
        for override in self.overrides:
            key, _, value = override.partition("=")
            parts += ["--sample", value] if self.name.sample and key == "data.sample" else ["--set", override]
        parts += ["--root", self.root] if self.root != project_selection.runs_folder() else []
        parts += ["--data-root", self.data_root] if self.data_root else []
        return f"python runner.py --local {shlex.join([*project_selection.shown_flag(), *parts])}"
