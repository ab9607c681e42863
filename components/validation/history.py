"""The history node: statistics of the earlier runs of this pipeline that validation let through."""

from typing import Any

from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

STATISTICS_ID = "statistics"
"""Custom property of the anomalies artifact: the id of the statistics that were let through."""
MOST = 50
"""Runs that are looked back on at most; see [gates] rows.runs."""


class LetThrough(ResolverStrategy):  # type: ignore[misc]
    """The last statistics that validation let through, other than those of this run.

    Data that was refused must not become what the next data is compared with.
    """

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Pick by the id that the anomalies artifact of each such run keeps, the newest first."""
        now = {figures.id for figures in input_dict["candidate"]}
        there = {figures.id: figures for figures in input_dict["statistics"]}
        about = [
            anomalies.get_int_custom_property(STATISTICS_ID)
            for anomalies in sorted(input_dict["anomalies"], key=lambda artifact: -artifact.id)
        ]
        chosen = [there[one] for one in dict.fromkeys(about) if one in there and one not in now]
        return {**{key: [] for key in input_dict}, "statistics": chosen[:MOST]}


def history(*, candidate: Any) -> Resolver:
    """Make the node `history`.

    Args:
        candidate: Channel of this run's statistics.

    Returns:
        A node with output `statistics`, empty where there is none.
    """
    return Resolver(
        strategy_class=LetThrough,
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
        anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
        candidate=candidate,
    ).with_id("history")
