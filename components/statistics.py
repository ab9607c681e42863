"""The statistics node: TFDV statistics of every split."""

from typing import Any

from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.statistics_gen.executor import Executor as StatisticsExecutor
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import artifact_utils

from components import summary


class Executor(StatisticsExecutor):  # type: ignore[misc]
    """Stock statistics, and a line that sums them up."""

    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Compute statistics of each split."""
        super().Do(input_dict, output_dict, exec_properties)
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        splits = artifact_utils.decode_split_names(statistics.split_names)
        summary.put(statistics, f"of {', '.join(splits)}")


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
