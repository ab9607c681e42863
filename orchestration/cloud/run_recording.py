"""Record of a step of a compiled job in the folder of its run, so that runs in a cloud are inspected like local ones.

Each step writes its record into HOME/runs/RUN_ID/steps. The pusher, the step of [inference] and one that failed, each
of which may be the last, also write run.json, report.html and the model card next to them. This needs no request to a
platform and no additional step, which would cost the start of a machine. An error here never fails a step.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import buckets
import printing
from errors import GateError
from inspection.store import replayed_store, step_records
from orchestration.cloud import places
from orchestration.cloud.parameters.runtime_parameters import FACTS
from orchestration.records import run_record
from pipeline.stages import PUSHER
from serving import version_files
from spec.file_names import CARD, GATES, REPORT, RUN, VERDICT
from spec.stages.stage_names import INFERENCE
from spec.timing import utc


class Recording:
    """The record of a step.

    Args:
        home: Folder of the pipeline under the root: a URI, or in a dry run a folder.
        given: ExecutorInput as the platform passes it.
        typed: ExecutorInput as TFX reads it.
        kind: Path of the executor's class.
        local_places: Folders that take the place of buckets.
    """

    def __init__(
        self,
        home: str,
        announced_input: Mapping[str, Any],
        executor_input: Mapping[str, Any],
        kind: str,
        local_places: places.Places,
    ) -> None:
        self._home, self._where = home, local_places
        self._run_id, self._task = step_records.producer(announced_input["outputs"]["outputFile"])
        self._output_file = executor_input["outputs"]["outputFile"]
        self._announced = local_places.remote(executor_input["outputs"].get("artifacts", {}))
        inputs = local_places.remote(executor_input["inputs"].get("artifacts", {}))
        self._facts = executor_input["inputs"].get("parameterValues", {}).get(FACTS)
        self._record: step_records.Record = {
            "task": self._task,
            "type": kind,
            "started": time.time(),
            "state": "RUNNING",
            "reason": "",
            "inputs": {key: group.get("artifacts", []) for key, group in inputs.items()},
            "outputs": {key: _one(group) for key, group in self._announced.items()},
        }
        if self._facts:
            self._record[FACTS] = json.loads(local_places.remote(self._facts))

    def start(self) -> None:
        """Record that the step runs."""
        with _unharmed():
            self._write()

    def complete(self) -> None:
        """Record outputs and end, and after the pusher the end of the run; [inference] comes later still."""
        with _unharmed():
            self._record["outputs"] = _outputs(self._announced, self._output_file)
            self._end("COMPLETE", "")
            if self._task in (PUSHER, INFERENCE):
                self._finish()

    def fail(self, reason: str, error: BaseException | None = None) -> None:
        """Record a failure, and with it the end of the run."""
        with _unharmed():
            if isinstance(error, GateError):
                self._record["findings"] = error.findings
            self._end("BLOCKED" if isinstance(error, GateError) else "FAILED", reason)
            self._finish()

    def _end(self, state: str, reason: str) -> None:
        self._record |= {"ended": time.time(), "state": state, "reason": reason}
        self._write()

    def _write(self) -> None:
        path = f"{self._folder}/{step_records.STEPS}/{self._task}.json"
        version_files.replace(path, json.dumps(self._record).encode())

    @property
    def _folder(self) -> str:
        return f"{self._home}/{step_records.RUNS}/{self._run_id}"

    def _finish(self) -> None:
        """Write run.json, the report and the model card."""
        from inspection.report import write_report

        own_steps = step_records.of_run(self._home, self._run_id)
        steps = step_records.with_cached(own_steps, lambda run_id: step_records.of_run(self._home, run_id))
        facts = self._run_facts(own_steps, steps)
        version_files.replace(f"{self._folder}/{RUN}", json.dumps(facts, indent=1).encode())
        run = replayed_store.CloudRun(facts["pipeline"], self._run_id, self._folder, steps)
        with tempfile.TemporaryDirectory(prefix="report-") as folder:
            store = replayed_store.replay([run], self._home, self._located)
            run_record.write(folder, facts)
            findings = next((record["findings"] for record in own_steps.values() if record.get("findings")), None)
            if findings is not None:
                with open(os.path.join(folder, GATES), "w", encoding="utf-8") as file:
                    json.dump(findings, file, indent=1)
            write_report.write(store, self._run_id, folder)
            for name in (GATES, REPORT, CARD):
                with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, name), "rb") as file:
                    version_files.replace(f"{self._folder}/{name}", file.read())

    def _located(self, uri: str) -> str:
        """Return where an artifact can be read: this step's own in the launcher's folders, others in the bucket."""
        local_path = str(self._where.local(uri))
        return local_path if os.path.exists(local_path) else str(self._where.parameter(uri))

    def _run_facts(self, own_steps: step_records.Steps, steps: step_records.Steps) -> dict[str, Any]:
        state, reason = step_records.state(own_steps)
        compiled_facts: dict[str, Any] = next((record[FACTS] for record in own_steps.values() if FACTS in record), {})
        started = min(record["started"] for record in own_steps.values())
        facts = {
            "run_id": self._run_id,
            "pipeline": os.path.basename(self._home),
            **compiled_facts,
            "versions": run_record.versions(),
            "started": utc.text(started),
            "ended": utc.text(),
            "state": state,
            "reason": reason,
            "stages": {task: record["state"] for task, record in steps.items()},
        }
        verdict = self._verdict(own_steps)
        if verdict is not None and state in ("COMPLETE", "NOT_BLESSED"):
            pushed = own_steps["pusher"]["outputs"]["pushed_model"].get("metadata", {})
            facts["outcome"] = {
                **verdict,
                "pushed": pushed.get("pushed_destination") if pushed.get("pushed") else None,
                "withheld": pushed.get("withheld"),
            }
        return facts

    def _verdict(self, own_steps: step_records.Steps) -> Any:
        artifact = own_steps.get("evaluator", {}).get("outputs", {}).get("evaluation")
        return step_records.read(f"{self._located(artifact['uri'])}/{VERDICT}") if artifact else None


def _one(group: Mapping[str, Any]) -> Any:
    [artifact] = group["artifacts"]
    return artifact


def _outputs(announced: Mapping[str, Any], output_file: str) -> dict[str, Any]:
    """Return the output artifacts with what the step has written about them."""
    from tfx.dsl.io import fileio

    with fileio.open(output_file, "rb") as file:
        described_outputs = json.loads(file.read()).get("artifacts", {})
    outputs = {}
    for key, group in announced.items():
        artifact = _one(group)
        [described] = described_outputs.get(key, {}).get("artifacts") or [{}]
        metadata = {**artifact.get("metadata", {}), **described.get("metadata", {})}
        outputs[key] = {**artifact, "uri": described.get("uri") or artifact["uri"], "metadata": metadata}
    return outputs


@contextlib.contextmanager
def _unharmed() -> Any:
    """Print an error of the recording instead of raising it, so that it does not fail the step."""
    try:
        yield
    except Exception as error:
        text = error.strerror if isinstance(error, buckets.BucketError) else f"{type(error).__name__}: {error}"
        printing.line(f"note: this step is not recorded for `inspect` and reports: {text}", to=sys.stderr)
