"""The history node: statistics of the earlier runs of this pipeline that validation let through."""

from collections.abc import Iterable
from typing import Any

from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

STATISTICS_ID = "statistics"
"""Custom property of the anomalies artifact: the id of the statistics that were let through."""


class LetThrough(ResolverStrategy):  # type: ignore[misc]
    """The last statistics that validation let through, other than those of this run.

    Data that was refused must not become what the next data is compared with.

    Args:
        runs: How many at most.
    """

    def __init__(self, runs: int) -> None:
        self._runs = runs

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Pick by the id that the anomalies artifact of each such run keeps."""
        [now] = input_dict["candidate"]
        through = {anomalies.get_int_custom_property(STATISTICS_ID) for anomalies in input_dict["anomalies"]}
        there = [figures for figures in input_dict["statistics"] if figures.id in through - {now.id}]
        return {**{key: [] for key in input_dict}, "statistics": nearest(now, there)[: self._runs]}


def nearest(now: Any, earlier: Iterable[Any]) -> list[Any]:
    """Artifacts of earlier runs: those of spans before this one first, the newest span first, else the newest run."""
    return sorted(earlier, key=lambda one: (one.span < now.span, one.span if now.span else 0, one.id), reverse=True)


def history(*, candidate: Any, runs: int) -> Resolver:
    """Make the node `history`.

    Args:
        candidate: Channel of this run's statistics.
        runs: How many earlier runs are looked back on.

    Returns:
        A node with output `statistics`, empty where there is none.
    """
    return Resolver(
        strategy_class=LetThrough,
        config={"runs": runs},
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
        anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
        candidate=candidate,
    ).with_id("history")
