"""How a run begins: anew, or where an earlier one ended before its time; and how its end reaches ML Metadata."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_metadata import errors as mlmd_errors

from errors import ResourceError, UserError
from inspection.store import metadata_store as inspection_store
from inspection.store import relocation
from orchestration.local import finished_stages, resume
from orchestration.paths import Root
from orchestration.records import run_record
from pipeline import stages
from pipeline.config import Config


@dataclass(frozen=True)
class Place:
    """Where a pipeline's runs and their records are.

    Attributes:
        root: The folder of all runs.
        pipeline: What its runs are called.
        metadata: URL of the store; None for SQLite under the root.
    """

    root: Root
    pipeline: str
    metadata: str | None

    @property
    def shown(self) -> str | None:
        """The URL without its password."""
        return inspection_store.redact(self.metadata) if self.metadata else None

    def open_store(self) -> inspection_store.Store:
        """Open the store to write.

        Raises:
            ResourceError: it cannot be used.
        """
        return inspection_store.open_store(self.root.path, self.metadata, readonly=False)

    def relocate(self, store: inspection_store.Store, before: str | None) -> str | None:
        """Have the store say where files are, where the pipeline's newest run was under another root.

        Args:
            store: ML Metadata, opened to write; the caller holds the pipeline's lock.
            before: The root of that run; None where there was none.

        Returns:
            The line that says so; None where nothing changed.
        """
        above = store.context(inspection_store.PIPELINE_CONTEXT, self.pipeline)
        if before is None or before == self.root.path or above is None:
            return None
        changed = relocation.rewrite(store.mlmd, above.id, store.relocation)
        return (
            f"the root was {before}: {changed} paths in ML Metadata lead to {self.root.path} now" if changed else None
        )

    def close(self, store: Any, run_id: str, state: str, reason: str) -> None:
        """Write a run's end to ML Metadata, and put in order what a dead worker left.

        Raises:
            ResourceError: the store does not answer.
        """
        artifacts = self.root.artifacts(self.pipeline)
        try:
            finished_stages.close_in_store(store, run_id, state, reason, artifacts=artifacts)
        except (mlmd_errors.StatusError, RuntimeError):
            # A server that was started again needs a new connection.
            try:
                finished_stages.close_in_store(self.open_store().mlmd, run_id, state, reason, artifacts=artifacts)
            except (mlmd_errors.StatusError, RuntimeError) as error:
                raise ResourceError(f"{self.shown or self.root.path}: the metadata store does not answer") from error


def earlier(
    place: Place,
    store: Any,
    last: str | None,
    wanted: Mapping[str, str],
    *,
    anew: bool,
    say: Callable[[str], None],
) -> dict[str, Any] | None:
    """Find the run to go on with, and put in order what a run left that did not finish.

    Args:
        place: Where runs are.
        store: ML Metadata.
        last: The run that held the pipeline's lock last, or None.
        wanted: What must be equal, as `resume.identity` gives it.
        anew: Whether to make a new run anyway.
        say: Is told what was decided.

    Returns:
        run.json of the run to go on with; None for a new run.
    """
    found = resume.earlier(place.root.runs(place.pipeline), last, wanted, place.shown)
    if found is None:
        return None
    run_id, state = found.facts["run_id"], found.facts.get("state") or "FAILED"
    not_continued = "a new run was asked for" if anew else ""
    if found.changed and not anew:
        verb = "differs" if len(found.changed) == 1 else "differ"
        not_continued = f"{' and '.join(found.changed)} {verb} from then"
    more = {"not_continued": not_continued} if not_continued else {}
    facts = run_record.close_earlier(found.folder, found.facts, state, found.reason, **more)
    place.close(store, run_id, state, f"{found.reason} (not continued: {not_continued})" if more else found.reason)
    resume.remove_scratch(facts, place.root.path)
    if more:
        say(f"run {run_id}, which did not finish, is not continued: {not_continued}")
        return None
    say(f"going on with run {run_id}, attempt {len(facts['attempts']) + 1}: {found.reason.splitlines()[0]}")
    return facts


def base(place: Place, store: Any, config: Config, first: str | None, *, say: Callable[[str], None]) -> str | None:
    """Find the run that gives the outputs of the stages before the first one.

    Args:
        place: Where runs are.
        store: ML Metadata.
        config: The config.
        first: The stage to begin with; None for the whole pipeline.
        say: Is told which run it is.

    Returns:
        The run's id; None where nothing is to be given.

    Raises:
        UserError: no run has finished these stages.
    """
    before = stages.before(config, first)
    if not before:
        return None
    run_id = finished_stages.newest_with(store, place.pipeline, before)
    if run_id is None:
        raise UserError(
            f"--from {first}: no run of {place.pipeline} has finished the stages before it ({', '.join(before)}): "
            "run without --from"
        )
    say(f"the stages before {first} are taken from run {run_id}, whatever has changed since")
    return run_id
