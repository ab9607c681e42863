"""Runs, nodes and artifacts as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NOT_RUN = "NOT RUN"
MISSING = "MISSING"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of a pipeline.

    Attributes:
      run_id: Name of its `pipeline_run` context.
      pipeline: Name of the pipeline; empty if unknown.
      state: Recorded by our runner (COMPLETE, FAILED, NOT_BLESSED, BLOCKED, CANCELED), else derived from its nodes
        (RUNNING, FAILED, CANCELED, COMPLETE, UNKNOWN); see inspection/run_files.py.
      ended: None while it runs.
      folder: The run's folder; None for runs of other runners.
    """

    run_id: str
    pipeline: str
    state: str
    reason: str | None
    started: datetime | None
    ended: datetime | None
    folder: str | None


@dataclass(frozen=True, kw_only=True)
class ArtifactRow:
    """An artifact as an input or output of a node.

    Attributes:
      key: The channel, such as `examples`, with [i] for each artifact in it after the first.
      state: State in MLMD, or MISSING; see inspection/run_files.py.
      producer_run: The run that produced it, an earlier one if the node was cached; None if unknown.
    """

    id: int
    type: str
    key: str
    name: str
    uri: str
    state: str
    producer_run: str | None
    producer_node: str | None
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Node:
    """An attempt of a node, or a node that did not run.

    Attributes:
      state: State in MLMD (RUNNING, COMPLETE, FAILED, CACHED, CANCELED), or NOT RUN.
      seconds: Time from the start to the last update; None while it runs.
      type: Dotted path of the component, as registered by TFX.
    """

    node_id: str
    state: str
    started: datetime | None = None
    seconds: float | None = None
    type: str = ""
    inputs: tuple[ArtifactRow, ...] = ()
    outputs: tuple[ArtifactRow, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunDetail:
    """A run and its nodes: in data-flow order if the run's folder has it, else in the order in which they started."""

    run: Run
    nodes: tuple[Node, ...]
