"""Why a model is blessed or not, as far as ML Metadata and the evaluation's files tell."""

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
    """What was decided about one model.

    Attributes:
      blessed: None where nobody decided.
      reason: In a sentence or several.
      evaluation: Id of the ModelEvaluation, if there is one.
      judged_by: Node and run that decided.
      rules: Those that do not hold first.
      overall: The metrics of all rows.
      baseline: Id of the model it was compared with.
      pushed: Where it was pushed to.
      notes: What could not be read.
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
    """Collects what was decided about a model; the last decision counts."""
    [row] = rows(store, [model])
    took = consumers(store, int(model.id))
    made = _made(store, [execution for execution, _, _ in took])
    pushed = [
        str(facts.get("pushed_destination") or artifact.uri)
        for artifacts in made.values()
        for artifact in artifacts
        if artifact.type == PUSHED and (facts := properties(artifact)).get("pushed", 1)
    ]
    for execution, run, node in took:
        outputs = {artifact.type: artifact for artifact in made.get(int(execution.id), [])}
        if BLESSING in outputs or EVALUATION in outputs:
            evaluation, notes = _evaluation(outputs.get(EVALUATION))
            blessing = properties(outputs[BLESSING]) if BLESSING in outputs else {}
            # Without a ModelBlessing nothing is blessed: TFMA's own verdict says what it would have been.
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
        reason=_why_not(took),
        evaluation=None,
        judged_by=None,
        rules=(),
        overall=None,
        baseline=None,
        baseline_note="",
        pushed=tuple(dict.fromkeys(pushed)),
        notes=(),
    )


def _made(store: Store, executions: Sequence[pb.Execution]) -> dict[int, list[pb.Artifact]]:
    """Maps executions to what they made or took from the cache."""
    events = [e for e in store.events_of_executions(each.id for each in executions) if e.type == pb.Event.OUTPUT]
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in events)}
    made: dict[int, list[pb.Artifact]] = {}
    for event in events:
        if event.artifact_id in artifacts:
            made.setdefault(int(event.execution_id), []).append(artifacts[event.artifact_id])
    return made


def _evaluation(artifact: pb.Artifact | None) -> tuple[Evaluation | None, list[str]]:
    if artifact is None:
        return None, ["no ModelEvaluation stands beside the blessing"]
    try:
        return read_evaluation(artifact), []
    except PipelineError as error:  # ML Metadata's answer stands without the files
        return None, [str(error)]


def _baseline(store: Store, execution: pb.Execution) -> int | None:
    events = store.events_of_executions([execution.id])
    compared = [event.artifact_id for event in events if event.type in INPUT_EVENTS and is_baseline(event)]
    models = [artifact for artifact in store.artifacts(compared) if artifact.type == MODEL]
    return int(models[0].id) if models else None


def _why_not(took: Sequence[tuple[pb.Execution, str, str]]) -> str:
    for execution, run, node in took:
        state = state_of(execution)
        if state not in ("COMPLETE", "CACHED"):
            return f"nothing was decided: {node} of run {run} took the model, and its state is {state}"
    return "nothing was decided: no node evaluated the model"
