"""The history node: statistics of the earlier runs of this pipeline that validation let through."""

from collections.abc import Iterable
from typing import Any

from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components import lineage
from components.baseline import reference
from components.fingerprints import artifact_digest

STATISTICS_ID = "statistics"
"""Custom property of the anomalies artifact: the id of the statistics that were let through."""


class LetThrough(ResolverStrategy):  # type: ignore[misc]
    """The last statistics that validation let through, other than those of this run or of the same data.

    Data that was refused must not become what the next data is compared with, nor data whose model was taken back.

    Args:
        runs: How many at most.
        serving: The pipeline's serving folder; None where it has none on this machine.
    """

    def __init__(self, runs: int, serving: str | None = None) -> None:
        self._runs, self._serving = runs, serving

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Pick by the id that the anomalies artifact of each such run keeps."""
        [now] = input_dict["candidate"]
        through = {anomalies.get_int_custom_property(STATISTICS_ID) for anomalies in input_dict["anomalies"]}
        same = _content(now)
        there = [
            figures
            for figures in input_dict["statistics"]
            if figures.id in through - {now.id} and not (same and _content(figures) == same)
        ]
        left = self._taken_back(store, input_dict.get("model", [])) if there else set()
        there = [figures for figures in there if not left or lineage.taken(store, figures.id, "examples") not in left]
        return {**{key: [] for key in input_dict}, "statistics": nearest(now, there)[: self._runs]}

    def _taken_back(self, store: Any, models: list[Any]) -> set[int | None]:
        """Ids of Examples of which models were made that a rollback took back."""
        gone = reference.taken_back(self._serving) if self._serving else []
        named = [reference.of_record(models, version.model, str(self._serving)) for version in gone]
        return {lineage.taken(store, model.id, "raw_examples") for model in named if model is not None} - {None}


def _content(figures: Any) -> str:
    """Digest of statistics: equal for equal rows, whatever their files are called."""
    return str(figures.get_string_custom_property(artifact_digest.PROPERTY))


def nearest(now: Any, earlier: Iterable[Any]) -> list[Any]:
    """Artifacts of earlier runs: those of spans before this one first, the newest span first, else the newest run."""
    return sorted(earlier, key=lambda one: (one.span < now.span, one.span if now.span else 0, one.id), reverse=True)


def history(*, candidate: Any, runs: int, serving: str) -> Resolver:
    """Make the node `history`.

    Args:
        candidate: Channel of this run's statistics.
        runs: How many earlier runs are looked back on.
        serving: The serving folder.

    Returns:
        A node with output `statistics`, empty where there is none.
    """
    return Resolver(
        strategy_class=LetThrough,
        config={"runs": runs, "serving": serving},
        model=Channel(type=standard_artifacts.Model),
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
        anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
        candidate=candidate,
    ).with_id("history")
