"""The early start of the plain models: they are fitted on one core while the stages before theirs use the other."""

from collections.abc import Mapping
from typing import Any

from absl import logging

from components.plain_models import background_fit
from errors import PipelineError
from spec.plain_models import STAGE


class EarlyFit:
    """Begins the fit of the plain models as soon as the nodes that it waits for have ended.

    Args:
        nodes: Node id -> PipelineNode, in an order in which they can run.
        of_whole_run: Whether all nodes run. Otherwise nothing begins early, and the order stays as it is: it says
            which nodes are before the first one that the user requested.
    """

    def __init__(self, nodes: Mapping[str, Any], *, of_whole_run: bool) -> None:
        self._nodes = nodes
        self._is_enabled = of_whole_run and STAGE in nodes
        self._executed = set[str]()

    def order(self) -> dict[str, Any]:
        """Return the nodes with the plain models moved to the place before the first node that reads them."""
        if not self._is_enabled:
            return dict(self._nodes)
        others = [node_id for node_id in self._nodes if node_id != STAGE]
        readers = (place for place, node_id in enumerate(others) if STAGE in self._nodes[node_id].upstream_nodes)
        place = next(readers, len(others))
        return {node_id: self._nodes[node_id] for node_id in [*others[:place], STAGE, *others[place:]]}

    def after(self, node_id: str, outputs: Mapping[str, Mapping[str, list[Any]]], *, executed: bool) -> None:
        """Begin the fit if the node that has ended was the last one that it waits for.

        If the examples are those of an earlier run, the predictions probably come from the cache, and nothing begins.

        Args:
            node_id: The node that has ended.
            outputs: Node that has ended -> its artifacts by key.
            executed: Whether the node was executed in this run.
        """
        if executed:
            self._executed.add(node_id)
        if not self._is_enabled or node_id not in self._nodes[STAGE].upstream_nodes:
            return
        stage = self._nodes[STAGE]
        [channel] = stage.inputs.inputs["examples"].channels
        source = channel.producer_node_query.id
        if source not in self._executed or not set(stage.upstream_nodes) <= set(outputs):
            return
        [examples] = outputs[source][channel.output_key]
        try:
            background_fit.begin(examples, stage.parameters.parameters["settings"].field_value.string_value)
        except (PipelineError, OSError, ValueError) as error:
            # The stage meets the error again, and reports it.
            logging.info("the plain models do not begin early: %s", error)

    def close(self) -> None:
        """End a fit that its stage has not taken over."""
        background_fit.close()
