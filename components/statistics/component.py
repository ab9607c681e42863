"""The statistics node: TFDV statistics of every split."""

import json
from typing import Any, ClassVar

from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base import base_beam_component
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel
from tfx.types.standard_component_specs import StatisticsGenSpec

from components.fingerprints import code_digest
from components.statistics.executor import Executor


class StatisticsSpec(StatisticsGenSpec):  # type: ignore[misc]
    """Parameters of the node: those of StatisticsGen, and the digest of our code."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        **StatisticsGenSpec.PARAMETERS,
        "code": component_spec.ExecutionParameter(type=str),
    }


class Statistics(StatisticsGen):  # type: ignore[misc]
    """StatisticsGen with our executor."""

    SPEC_CLASS = StatisticsSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(self, spec: StatisticsSpec) -> None:
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)


def statistics(*, examples: Any) -> Statistics:
    """Make the node `statistics`.

    Args:
        examples: Channel of Examples.

    Returns:
        A node with output `statistics`: a DatasetFeatureStatisticsList per split.
    """
    spec = StatisticsSpec(
        examples=examples,
        exclude_splits="[]",
        code=json.dumps(code_digest.stage(Executor.__module__)),
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
    )
    node: Statistics = Statistics(spec).with_id("statistics")
    return node
