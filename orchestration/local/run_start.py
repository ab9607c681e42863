"""Start of a run: new, or resumed from an unfinished one; and the record of its end in ML Metadata."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_metadata import errors as mlmd_errors

from errors import ResourceError, UserError
from inspection.store import metadata_store as inspection_store
from inspection.store import relocation
from orchestration.local import resume
from orchestration.local.stage_records import finished_stages
from orchestration.paths import Root
from orchestration.records import run_record
from pipeline import stages
from pipeline.config import Config
from spec.stages.stage_names import RESOLVERS


@dataclass(frozen=True)
class Place:
    """The folder and the metadata store of the runs of a pipeline.

    Attributes:
        root: The folder of all runs.
        pipeline: Name of the pipeline, with its variant.
        metadata: URL of the store; None for SQLite under the root.
    """

    root: Root
    pipeline: str
    metadata: str | None

    @property
    def shown(self) -> str | None:
        """URL of the store without its password; None for SQLite."""
        return inspection_store.redact(self.metadata) if self.metadata else None

    def open_store(self) -> inspection_store.Store:
        """Open the store for writing.

        Raises:
            ResourceError: it cannot be used.
        """
        return inspection_store.open_store(self.root.path, self.metadata, readonly=False)

    def relocate(self, store: inspection_store.Store) -> str | None:
        """Update the paths in the store if they are of another root: this one was moved, or the store restored.

        Args:
            store: ML Metadata, opened for writing; the caller holds the pipeline's lock.

        Returns:
            A line for the log; None if nothing changed.
        """
        pipeline_context = store.context(inspection_store.PIPELINE_CONTEXT, self.pipeline)
        if pipeline_context is None:
            return None
        runs = store.mlmd.get_children_contexts_by_context(pipeline_context.id)
        moved_folders = [
            folder for folder in map(relocation.run_folder, runs) if store.relocation.path(folder) != folder
        ]
        if not moved_folders:
            return None
        former_root = os.path.dirname(os.path.dirname(os.path.dirname(moved_folders[-1])))
        path_count = relocation.rewrite(store.mlmd, pipeline_context.id, store.relocation)
        return f"the root was {former_root}: {path_count} paths in ML Metadata now point to {self.root.path}"

    def close(self, store: Any, run_id: str, state: str, reason: str) -> None:
        """Record the end of a run in ML Metadata, and clean up after a dead worker.

        Raises:
            ResourceError: the store does not respond.
        """
        artifacts = self.root.artifacts(self.pipeline)
        try:
            finished_stages.close_in_store(store, run_id, state, reason, artifacts=artifacts)
        except (mlmd_errors.StatusError, RuntimeError):
            # A restarted server needs a new connection.
            try:
                finished_stages.close_in_store(self.open_store().mlmd, run_id, state, reason, artifacts=artifacts)
            except (mlmd_errors.StatusError, RuntimeError) as error:
                raise ResourceError(f"{self.shown or self.root.path}: the metadata store does not respond") from error


def earlier(
    place: Place,
    store: Any,
    last_run: str | None,
    requested: Mapping[str, str],
    *,
    anew: bool,
    say: Callable[[str], None],
) -> dict[str, Any] | None:
    """Find the run to resume, and clean up after an unfinished one.

    Args:
        place: The place of the runs.
        store: ML Metadata.
        last_run: The run that held the pipeline's lock last, or None.
        requested: Identity of the requested run, of `resume.identity`.
        anew: Whether to start a new run even if one could be resumed.
        say: Logs the decision.

    Returns:
        run.json of the run to resume; None for a new run.
    """
    unfinished = resume.earlier(place.root.runs(place.pipeline), last_run, requested, place.shown)
    if unfinished is None:
        return None
    run_id, state = unfinished.facts["run_id"], unfinished.facts.get("state") or "FAILED"
    not_continued = "a new run was requested" if anew else ""
    if unfinished.changed and not anew:
        verb = "has" if len(unfinished.changed) == 1 else "have"
        not_continued = f"{' and '.join(unfinished.changed)} {verb} changed"
    note = {"not_continued": not_continued} if not_continued else {}
    facts = run_record.close_earlier(unfinished.folder, unfinished.facts, state, unfinished.reason, **note)
    place.close(
        store, run_id, state, f"{unfinished.reason} (not resumed: {not_continued})" if note else unfinished.reason
    )
    resume.remove_scratch(facts, place.root.path)
    if note:
        say(f"unfinished run {run_id} is not resumed: {not_continued}")
        return None
    say(f"resuming run {run_id}, attempt {len(facts['attempts']) + 1}: {unfinished.reason.splitlines()[0]}")
    return facts


def base(
    place: Place, store: Any, config: Config, first: str | None, *, only: bool = False, say: Callable[[str], None]
) -> str | None:
    """Find the run whose outputs replace the stages before the first one.

    Args:
        place: The place of the runs.
        store: ML Metadata.
        config: The config.
        first: First stage to run; None for all stages.
        only: Whether no other stage runs; resolvers, which look up earlier models and data, do it again.
        say: Logs which run it is.

    Returns:
        The run's id; None if no outputs are needed.

    Raises:
        UserError: no run has finished these stages.
    """
    needed_stages = [stage for stage in stages.before(config, first) if not (only and stage in RESOLVERS)]
    if not needed_stages:
        return None
    run_id = finished_stages.newest_with(store, place.pipeline, needed_stages, place.root.pipeline(place.pipeline))
    if run_id is None:
        option = "--only" if only else "--from"
        raise UserError(
            f"{option} {first}: no run of {place.pipeline} has finished the stages before it "
            f"({', '.join(needed_stages)}): run without {option}"
        )
    say(f"outputs of the stages before {first} come from run {run_id}")
    return run_id
