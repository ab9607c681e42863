"""Verdict on a model, from ML Metadata and the files of its evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError
from inspection.display_names import state_of
from inspection.lineage_graph import consumers
from inspection.plain_records import ArtifactRow
from inspection.read.evaluations import Cell, Evaluation, Rule, read_evaluation
from inspection.store.artifact_lookup import BLESSING, EVALUATION, MODEL, PUSHED, is_baseline, rows
from inspection.store.metadata_store import INPUT_EVENTS, Store, properties


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Verdict on a model.

    Attributes:
      blessed: None if the model was not evaluated.
      reason: One or more sentences.
      evaluation: Id of the ModelEvaluation, if there is one.
      judged_by: Node and run of the evaluation.
      rules: All rules, failed ones first.
      overall: Metrics of all rows.
      baseline: Id of the baseline.
      pushed: Folders that the model was pushed to.
      notes: Sentences on files that could not be read.
    """

    model: ArtifactRow
    blessed: bool | None
    reason: str
    evaluation: int | None
    judged_by: str | None
    rules: Sequence[Rule]
    overall: Cell | None
    baseline: int | None
    baseline_note: str
    pushed: Sequence[str]
    notes: Sequence[str]


def judge(store: Store, model: pb.Artifact) -> Verdict:
    """Return the verdict on a model; if there are several, the last one."""
    [row] = rows(store, [model])
    executions = consumers(store, int(model.id))
    outputs_by_execution = _outputs(store, [execution for execution, _, _ in executions])
    pushed = [
        str(facts.get("pushed_destination") or artifact.uri)
        for artifacts in outputs_by_execution.values()
        for artifact in artifacts
        if artifact.type == PUSHED and (facts := properties(artifact)).get("pushed", 1)
    ]
    for execution, run, node in executions:
        outputs = {artifact.type: artifact for artifact in outputs_by_execution.get(int(execution.id), [])}
        if BLESSING in outputs or EVALUATION in outputs:
            evaluation, notes = _evaluation(outputs.get(EVALUATION))
            blessing = properties(outputs[BLESSING]) if BLESSING in outputs else {}
            # Without a ModelBlessing nothing is blessed; the validation result of TFMA is shown.
            blessed = evaluation.blessed if evaluation else None
            blessed = bool(blessing["blessed"]) if "blessed" in blessing else blessed
            rules = evaluation.rules if evaluation else ()
            return Verdict(
                model=row,
                blessed=blessed,
                reason=str(blessing.get("reason") or (evaluation.reason if evaluation else "")),
                evaluation=int(outputs[EVALUATION].id) if EVALUATION in outputs else None,
                judged_by=f"{node} of {run}" if run else node,
                rules=sorted(rules, key=lambda rule: (rule.ok, rule.kind == "skipped")),
                overall=evaluation.cells[0] if evaluation else None,
                baseline=_baseline(store, execution),
                baseline_note=evaluation.baseline_note if evaluation else "",
                pushed=tuple(dict.fromkeys(pushed)),
                notes=notes,
            )
    return Verdict(
        model=row,
        blessed=None,
        reason=_reason_without_verdict(executions),
        evaluation=None,
        judged_by=None,
        rules=(),
        overall=None,
        baseline=None,
        baseline_note="",
        pushed=tuple(dict.fromkeys(pushed)),
        notes=(),
    )


def _outputs(store: Store, executions: Sequence[pb.Execution]) -> dict[int, list[pb.Artifact]]:
    """Map executions to their outputs, including those reused from the cache."""
    events = [
        event
        for event in store.events_of_executions(execution.id for execution in executions)
        if event.type == pb.Event.OUTPUT
    ]
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in events)}
    outputs: dict[int, list[pb.Artifact]] = {}
    for event in events:
        if event.artifact_id in artifacts:
            outputs.setdefault(int(event.execution_id), []).append(artifacts[event.artifact_id])
    return outputs


def _evaluation(artifact: pb.Artifact | None) -> tuple[Evaluation | None, list[str]]:
    if artifact is None:
        return None, ["the blessing has no ModelEvaluation"]
    try:
        return read_evaluation(artifact), []
    except PipelineError as error:  # the verdict in ML Metadata is valid without the files
        return None, [str(error)]


def _baseline(store: Store, execution: pb.Execution) -> int | None:
    events = store.events_of_executions([execution.id])
    compared = [event.artifact_id for event in events if event.type in INPUT_EVENTS and is_baseline(event)]
    models = [artifact for artifact in store.artifacts(compared) if artifact.type == MODEL]
    return int(models[0].id) if models else None


def _reason_without_verdict(executions: Sequence[tuple[pb.Execution, str, str]]) -> str:
    for execution, run, node in executions:
        state = state_of(execution)
        if state not in ("COMPLETE", "CACHED"):
            return f"not evaluated: {node} of run {run} is {state}"
    return "not evaluated: no node has used the model"
