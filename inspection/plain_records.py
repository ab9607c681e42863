"""What is said of runs, nodes and artifacts, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NOT_RUN = "NOT RUN"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one pipeline.

    Attributes:
      run_id: The name of its `pipeline_run` context.
      pipeline: Empty where the store does not say.
      state: As our runner recorded it (COMPLETE, FAILED, NOT_BLESSED, BLOCKED, CANCELED), else what its nodes tell
        (RUNNING, FAILED, CANCELED, COMPLETE, UNKNOWN).
      ended: None while it runs.
      folder: The run's folder; None where another runner made the run.
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
    """One artifact as an input or output of one node.

    Attributes:
      key: The channel, such as `examples`, with [i] for every artifact in it but the first.
      state: MLMD's word: LIVE, PENDING, DELETED and so on.
      producer_run: The run that made it, an earlier one where the node was served from the cache; None if unknown.
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
    """One attempt of one node, or a node that the run never reached.

    Attributes:
      state: MLMD's word (RUNNING, COMPLETE, FAILED, CACHED, CANCELED) or NOT RUN.
      seconds: From the start to the last update; None while it runs.
      type: The component's dotted path, as TFX registers it.
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
    """A run and its nodes, in the order in which data flows where the run's folder tells it, else as they started."""

    run: Run
    nodes: tuple[Node, ...]
