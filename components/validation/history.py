"""The history node: statistics of previous runs of this pipeline that passed validation."""

import os
from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components import lineage
from components.baseline import reference
from components.fingerprints import artifact_digest
from spec import run_folders

STATISTICS_ID = "statistics"
"""Custom property of the anomalies artifact: id of the statistics that passed."""


class PassedStatistics(ResolverStrategy):  # type: ignore[misc]
    """Resolves the last statistics that passed validation, except those of this run or of the same data.

    Blocked data, data whose model was rolled back, and data of runs under another root must not become the reference of
    later data.

    Args:
        runs: Maximum number of runs.
        serving: The pipeline's serving folder; None if it is not on this machine.
    """

    def __init__(self, runs: int, serving: str | None = None) -> None:
        self._runs, self._serving = runs, serving

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Select statistics by the ids that the anomalies artifacts hold."""
        [candidate] = input_dict["candidate"]
        passed = {anomalies.get_int_custom_property(STATISTICS_ID) for anomalies in input_dict["anomalies"]}
        digest = _digest(candidate)
        statistics = [
            artifact
            for artifact in input_dict["statistics"]
            if artifact.id in passed - {candidate.id} and not (digest and _digest(artifact) == digest)
        ]
        statistics = self._of_root(store, statistics)
        excluded = self._rolled_back(store, input_dict.get("model", [])) if statistics else set()
        statistics = [
            artifact
            for artifact in statistics
            if not excluded or lineage.input_id(store, artifact.id, "examples") not in excluded
        ]
        return {**{key: [] for key in input_dict}, "statistics": nearest(candidate, statistics)[: self._runs]}

    def _of_root(self, store: Any, statistics: list[Any]) -> list[Any]:
        """Select the statistics that runs under this root produced or took from the cache."""
        home = os.path.dirname(self._serving or "")
        if not home or "://" in home or not statistics:
            return statistics
        above = store.get_context_by_type_and_name("pipeline", os.path.basename(home))
        runs = store.get_children_contexts_by_context(above.id) if above is not None else []
        own = [run for run in runs if run_folders.is_under(_folder(run), run.name, home)]
        if len(own) == len(runs):
            return statistics
        executions = [int(one.id) for run in own for one in store.get_executions_by_context(run.id)]
        events = store.get_events_by_execution_ids(executions) if executions else []
        ids = {event.artifact_id for event in events if event.type == metadata_store_pb2.Event.OUTPUT}
        return [artifact for artifact in statistics if artifact.id in ids]

    def _rolled_back(self, store: Any, models: list[Any]) -> set[int | None]:
        """Return the ids of the Examples of models that were rolled back."""
        versions = reference.rolled_back(self._serving) if self._serving else []
        rolled_back = [reference.find_model(models, version.model, str(self._serving)) for version in versions]
        return {lineage.input_id(store, model.id, "raw_examples") for model in rolled_back if model is not None} - {
            None
        }


def _folder(run: Any) -> str:
    return str(run.custom_properties["run_folder"].string_value) if "run_folder" in run.custom_properties else ""


def _digest(statistics: Any) -> str:
    """Return the digest of a statistics artifact: equal for equal rows, whatever their files are named."""
    return str(statistics.get_string_custom_property(artifact_digest.PROPERTY))


def nearest(candidate: Any, earlier: Iterable[Any]) -> list[Any]:
    """Sort artifacts of previous runs: spans before the candidate's first, newest span first, then newest run first."""
    return sorted(
        earlier,
        key=lambda artifact: (artifact.span < candidate.span, artifact.span if candidate.span else 0, artifact.id),
        reverse=True,
    )


def history(*, candidate: Any, runs: int, serving: str) -> Resolver:
    """Make the node `history`.

    Args:
        candidate: Channel of this run's statistics.
        runs: Maximum number of previous runs.
        serving: The serving folder.

    Returns:
        A node with output `statistics`, which is empty without previous runs.
    """
    return Resolver(
        strategy_class=PassedStatistics,
        config={"runs": runs, "serving": serving},
        model=Channel(type=standard_artifacts.Model),
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
        anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
        candidate=candidate,
    ).with_id("history")
