"""The statistics node: TFDV statistics of every split."""

from typing import Any

from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.statistics.executor import Executor


class Statistics(StatisticsGen):  # type: ignore[misc]
    """StatisticsGen with our executor."""

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)


def statistics(*, examples: Any) -> Statistics:
    """Make the node `statistics`.

    Args:
        examples: Channel of Examples.

    Returns:
        A node with output `statistics`: DatasetFeatureStatisticsList, one a split.
    """
    node: Statistics = Statistics(examples=examples).with_id("statistics")
    return node
