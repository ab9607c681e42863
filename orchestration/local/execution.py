"""Execution of a TFX pipeline, node by node with TFX's launcher, so that the state of each node can be reported."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from absl import logging
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import pipeline_pb2

import project
from components.baseline import reference
from components.ingestion.omissions import Omissions
from components.pusher.component import WITHHELD
from components.summary import PROPERTY, text
from components.tuner.executor import FILES as TRIAL_FILES
from errors import RunError, UserError
from inspection.store import metadata_store as inspection_store
from orchestration.local import launcher
from orchestration.local.early_fit import EarlyFit
from orchestration.local.run_order import RunOrder
from orchestration.local.stage_records import changed_stages, finished_stages, stage_file_reads
from orchestration.local.stage_records import stage_outputs as outputs_of
from orchestration.local.stage_records.stage_file_reads import StageReads
from orchestration.paths import Root
from pipeline.create_pipeline import Places, create_pipeline
from spec import tuning
from spec.file_names import BEST, FILES, GATES, HISTORY, OMISSIONS, VERDICT
from spec.stages.stage_names import RESOLVERS

_STATES = metadata_store_pb2.Execution.State
_RETIRED = ("looked up again", "not compared with")
"""Ends of the log line for a damaged baseline, and for a damaged artifact of the history."""


class Execution:
    """One run of one pipeline in this process.

    Args:
        order: The run.
        import_reads: Path -> digest of files that were read while user code was imported.
        custom_reads: As `import_reads`, for modules of custom stages: editing them must not run other stages again.
    """

    def __init__(
        self,
        order: RunOrder,
        import_reads: Mapping[str, str] | None = None,
        custom_reads: Mapping[str, str] | None = None,
    ) -> None:
        # TFX logs the connection, password included, at INFO.
        logging.set_verbosity(logging.WARNING)
        self._name, self._run_id, self._run_folder = order.pipeline, order.run_id, order.run_folder
        self._connection = inspection_store.connection_config(order.root, order.metadata)
        root = Root(order.root)
        self._serving = root.serving(self._name)
        self._movable = {root.path: "ROOT", project.folder(): "PROJECT", project.REPOSITORY: "REPOSITORY"}
        places = Places(
            data=order.data,
            schema=order.schema,
            artifacts=root.artifacts(self._name),
            serving=self._serving,
            data_content=order.data_content,
            schema_content=order.schema_content,
            skew=order.skew,
            skew_content=order.skew_content,
            predicted=order.predicted,
            predicted_content=order.predicted_content,
            settings=root.settings(self._name),
            trials=root.trials(self._name),
            metadata=self._connection,
            beam_args=order.beam_args,
            cache=order.cache,
        )
        pipeline = create_pipeline(
            name=self._name, config=order.config, columns=order.columns, places=places, advisory=order.advisory
        )
        self._ir: pipeline_pb2.Pipeline = Compiler().compile(pipeline)
        runtime_parameter_utils.substitute_runtime_parameter(self._ir, {PIPELINE_RUN_ID_PARAMETER_NAME: self._run_id})
        self._deployment = runner_utils.extract_local_deployment_config(self._ir)
        self._nodes = {node.pipeline_node.node_info.id: node.pipeline_node for node in self._ir.nodes}
        self._to, self._first, self._base, self._only = order.to, order.first, order.base, order.only
        self.early_fit = EarlyFit(self._nodes, of_whole_run=order.first is None and order.to is None)
        self._nodes = self.early_fit.order()
        self._reason, self._outdated = "", list[str]()
        self._outputs: dict[str, dict[str, list[Any]]] = {}
        self._stage_reads = StageReads(
            root.settings(self._name),
            [root.path, order.scratch],
            import_reads or {},
            order.config.stages.ids(),
            custom_reads,
        )
        self._register()

    def _register(self) -> None:
        """Register the context of the run, with its folder, as a child of the pipeline's, before the first node."""
        with metadata.Metadata(self._connection) as handle:
            parent = context_lib.register_context_if_not_exists(handle, inspection_store.PIPELINE_CONTEXT, self._name)
            context = context_lib.register_context_if_not_exists(handle, inspection_store.RUN_CONTEXT, self._run_id)
            context.custom_properties["run_folder"].string_value = self._run_folder
            # An earlier attempt may have recorded an end.
            for key in ("state", "reason"):
                context.custom_properties[key].string_value = ""
            handle.store.put_contexts([context])
            if not handle.store.get_parent_contexts_by_context(context.id):
                link = metadata_store_pb2.ParentContext(parent_id=parent.id, child_id=context.id)
                handle.store.put_parent_contexts([link])
            # Stages that an earlier attempt of this run has finished.
            self._kept = finished_stages.finished(handle.store, self._name, self._run_id, self._nodes)

    @property
    def node_ids(self) -> list[str]:
        """Nodes that run, in order: all of them, or those up to the last one that the user requested."""
        if self._to is None:
            return list(self._nodes)
        if self._only:
            # With all stages before it, so that the next one can run alone on the outputs of this run.
            return list(self._nodes)[: list(self._nodes).index(self._to) + 1]
        needed, pending = set(), [self._to]
        while pending:
            node_id = pending.pop()
            if node_id not in needed:
                needed.add(node_id)
                pending.extend(self._nodes[node_id].upstream_nodes)
        return [node_id for node_id in self._nodes if node_id in needed]

    @property
    def upstream(self) -> dict[str, list[str]]:
        """Node -> the nodes that it depends on, of those that run."""
        ids = self.node_ids
        return {node_id: [source for source in self._nodes[node_id].upstream_nodes if source in ids] for node_id in ids}

    def launch(self, node_id: str, say: Callable[[str], None]) -> tuple[str, str]:
        """Run one node, unless an earlier attempt of the run has finished it.

        Args:
            node_id: The node.
            say: Logs why a node runs again.

        Returns:
            Its state: COMPLETE or CACHED, as in ML Metadata; KEPT if an earlier attempt had finished it; TAKEN if its
            outputs are those of an earlier run. And its result, in one line.

        Raises:
            RunError: the node's inputs could not be resolved.
            UserError: outputs of the earlier run are damaged.
            Exception: an error of its executor.
        """
        rerun_note = ""
        while True:
            kept_execution = self._kept.pop(node_id, None)
            is_taken = kept_execution is None and self._is_taken(node_id)
            if kept_execution is not None:
                execution_id = int(kept_execution.id)
            else:
                execution_id = self._take_over(node_id) if is_taken else self._launch(node_id, say)
            with metadata.Metadata(self._connection) as handle:
                [execution] = handle.store.get_executions_by_id([execution_id])
                state = _STATES.Name(execution.last_known_state)
                if state not in ("COMPLETE", "CACHED"):
                    reason = f": {self._reason}" if self._reason else ""
                    raise RunError(f"stage {node_id} ended {state}: its inputs could not be resolved{reason}")
                outputs = outputs_of.of(handle.store, execution_id)
                # Outputs that this attempt has just written need no check.
                is_earlier = kept_execution is not None or state == "CACHED" or node_id in RESOLVERS
                damaged = outputs_of.damage(outputs) if is_earlier else {}
                if not damaged:
                    break
                if node_id in RESOLVERS:
                    # Another run or stage wrote them: only the damaged ones are retired.
                    outputs = {key: [item for item in group if item.id in damaged] for key, group in outputs.items()}
                line = launcher.retire(handle.store, execution, outputs, damaged)
                if node_id in RESOLVERS:
                    say(line.replace("the stage runs again", _RETIRED[node_id == "history"]))
                else:
                    say(line)
                    reasons = " and ".join(f"{damage.key} was {damage.word}" for damage in damaged.values())
                    rerun_note = f"; ran again, because {reasons}"
        self._outputs[node_id] = outputs
        self.early_fit.after(node_id, self._outputs, executed=not is_earlier and not is_taken)
        self._copy(node_id)
        line = self._resolved(node_id) if node_id in RESOLVERS else self._line(node_id)
        line += rerun_note
        if kept_execution is not None:
            return "KEPT", line
        if is_taken:
            return "TAKEN", f"{line}; changed since, used as it was" if node_id in self._outdated else line
        # A resolver is always CACHED or COMPLETE in ML Metadata, also when it just looked.
        return ("COMPLETE" if node_id in RESOLVERS else state), line

    def _launch(self, node_id: str, say: Callable[[str], None]) -> int:
        node = launcher.Launcher(
            pipeline_node=self._nodes[node_id],
            mlmd_connection=metadata.Metadata(self._connection),
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, node_id),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node_id),
            stage_reads=self._stage_reads,
            places=self._movable,
        )
        info = node.launch()
        self._reason = node.reason
        if node.outdated:
            say(f"{node.outdated[0]}, which its code reads, has changed since the cached run: the stage runs again")
        return int(info.execution_id)

    def _is_taken(self, node_id: str) -> bool:
        if self._first is None or (self._only and node_id in RESOLVERS):
            return False
        return list(self._nodes).index(node_id) < list(self._nodes).index(self._first)

    def _take_over(self, node_id: str) -> int:
        with metadata.Metadata(self._connection) as handle:
            earlier_execution = finished_stages.finished(handle.store, self._name, str(self._base), [node_id])[node_id]
            outputs = outputs_of.of(handle.store, int(earlier_execution.id))
            damaged = outputs_of.damage(outputs)
            if damaged:
                reasons = "; ".join(map(str, damaged.values()))
                raise UserError(
                    f"{self._first}: outputs of run {self._base} are damaged: {reasons}. Run without "
                    f"{'--only' if self._only else '--from'} to run their stages again"
                )
            if node_id not in RESOLVERS and changed_stages.is_changed(handle.store, self._nodes[node_id], outputs):
                self._outdated.append(node_id)
            return launcher.take_over(handle, self._nodes[node_id], outputs)

    def _copy(self, node_id: str) -> None:
        """Copy small results into the run's folder, also those from the cache."""
        if node_id == "trainer":
            history = os.path.join(self._outputs[node_id]["model_run"][0].uri, HISTORY)
            shutil.copy(history, os.path.join(self._run_folder, HISTORY))
        if node_id == "tuner":
            for name in TRIAL_FILES:
                shutil.copy(os.path.join(self._outputs[node_id]["tuner_results"][0].uri, name), self._run_folder)

    def _resolved(self, node_id: str) -> str:
        """Return the result of a resolver, in one line: the model or the number of earlier runs that it found."""
        if node_id == "history":
            runs = len(self._outputs[node_id].get("statistics", []))
            return f"{runs} earlier run{'s' if runs > 1 else ''} with other data" if runs else "none yet"
        models = self._outputs[node_id].get("model", [])
        return f"model {models[0].id}" if models else "none yet"

    def findings(self, node_id: str) -> list[dict[str, Any]]:
        """Return the findings of the gates, if the node runs them."""
        return outputs_of.content(self._outputs[node_id].get("anomalies", []), GATES) or []

    def reads(self) -> dict[str, str]:
        """Return path -> digest of the files that the outputs depend on and that no cache key contains."""
        reads: dict[str, str] = {}
        for outputs in self._outputs.values():
            reads |= stage_file_reads.of_outputs(outputs)
        return reads

    def omissions(self, node_id: str) -> list[str]:
        """Return a sentence on each omission of the data, if the node reads the data; else nothing."""
        plain = outputs_of.content(self._examples(node_id), OMISSIONS)
        return Omissions(plain).lines() if plain else []

    def files(self, node_id: str) -> list[dict[str, Any]]:
        """Return the data files, if the node reads the data; see components/ingestion/matched_files.py."""
        return outputs_of.content(self._examples(node_id), FILES) or []

    def _examples(self, node_id: str) -> list[Any]:
        # The resolver of the baseline outputs the data of an earlier run.
        return [] if node_id in RESOLVERS else self._outputs[node_id].get("examples", [])

    def tuned(self, node_id: str) -> dict[str, Any]:
        """Return dotted key -> value of the best hyperparameters, if the node is the tuner; else nothing."""
        hyperparameters = outputs_of.content(self._outputs[node_id].get("best_hyperparameters", []), BEST)
        return tuning.best(hyperparameters) if hyperparameters else {}

    def _line(self, node_id: str) -> str:
        outputs = self._outputs[node_id].values()
        return next((line for group in outputs for artifact in group if (line := text(artifact, PROPERTY))), "")

    def outcome(self) -> dict[str, Any]:
        """Return the verdict and the pushed version; of a run that ends earlier, the result of its last node."""
        if self._to is not None:
            reason = f"{self._to}: {self._line(self._to)}"
            return {"reached": self._to, "reason": reason, **({"outdated": self._outdated} if self._outdated else {})}
        evaluation = self._outputs["evaluator"]["evaluation"][0]
        with open(os.path.join(evaluation.uri, VERDICT), encoding="utf-8") as file:
            verdict: dict[str, Any] = json.load(file)
        # Slices and rows stay in the artifact: with them run.json would grow to megabytes.
        verdict = {key: value for key, value in verdict.items() if key not in ("slices", "worst", "details")}
        pushed = self._outputs["pusher"]["pushed_model"][0]
        destination = text(pushed, "pushed_destination")
        return {**verdict, **reference.outcome(self._serving, destination), WITHHELD: text(pushed, WITHHELD) or None}
