"""The history node: statistics of previous runs of this pipeline that passed validation; on clouds see accepted.py."""

from typing import Any

from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components.fingerprints import artifact_digest
from components.validation import passed_statistics


class PassedStatistics(ResolverStrategy):  # type: ignore[misc]
    """Resolves the last statistics that passed validation; see `passed_statistics.select`.

    Args:
        runs: Maximum number of runs.
        serving: The pipeline's serving folder; None if it is not on this machine.
    """

    def __init__(self, runs: int, serving: str | None = None) -> None:
        self._runs, self._serving = runs, serving

    def resolve_artifacts(self, store: Any, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Select statistics by the ids that the anomalies artifacts hold."""
        [candidate] = input_dict["candidate"]
        digest = _digest(candidate)
        selected = passed_statistics.select(
            store,
            candidate,
            input_dict,
            is_same=lambda artifact: bool(digest) and _digest(artifact) == digest,
            serving=self._serving,
        )
        return {**{key: [] for key in input_dict}, "statistics": selected[: self._runs]}


def _digest(statistics: Any) -> str:
    """Return the digest of a statistics artifact: equal for equal rows, whatever their files are named."""
    return str(statistics.get_string_custom_property(artifact_digest.PROPERTY))


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
