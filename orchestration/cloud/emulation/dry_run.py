"""Dry run: execute a compiled job here, step by step, with its own commands and the inputs that its platform passes.

ROOT/.dry-run/TARGET/NAME holds `buckets`, which take the place of all object stores, `cache.json`, and `runs/RUN_ID`
with the input, outputs and log of each step.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import buckets
from components.baseline import reference
from components.pusher.component import WITHHELD
from components.summary import PROPERTY
from errors import GateError, PipelineError, RunError, UserError
from orchestration.cloud import job_file, places
from orchestration.cloud.emulation import step_process
from orchestration.cloud.emulation.platforms import PLATFORMS, Artifact, Task
from orchestration.cloud.emulation.step_cache import StepCache
from orchestration.cloud.parameters import long_parameters, runtime_parameters
from orchestration.display.terminal import Terminal
from orchestration.local import run_lock
from orchestration.paths import new_run_id
from serving import versions
from spec import settings
from spec.file_names import VERDICT
from spec.rows import data_paths
from spec.stages.stage_names import INFERENCE


@dataclass(frozen=True, kw_only=True)
class Order:
    """A dry run.

    Attributes:
        target: The platform, "kubeflow" or "vertex".
        job: Path of the compiled file.
        folder: Folder of the pipeline's dry runs on this platform.
        mode: Whether each step is a new process ("subprocess") or a fork of this one ("fork").
        parameters: Values of the run's parameters; the others have their defaults.
    """

    target: str
    job: str
    folder: str
    mode: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def run(order: Order) -> int:
    """Run a compiled job.

    Returns:
        0 if the model was blessed, and pushed unless it serves already.

    Raises:
        GateError: a gate blocked the data, or the model is not blessed or not pushed.
        PipelineError: a step failed.
    """
    with Terminal() as terminal, run_lock.held(order.folder, terminal.say) as lock:
        run_id = new_run_id()
        lock.name(run_id)
        job = _Job(order, run_id, terminal)
        job.run()
    outcome = job.outcome()
    terminal.outcome(outcome, run_folder=job.folder)
    if not outcome["blessed"] or outcome[WITHHELD]:
        verdict_state, reason = (
            ("not pushed", outcome[WITHHELD]) if outcome[WITHHELD] else ("not blessed", outcome["reason"])
        )
        raise GateError(f"the model is {verdict_state}: {reason}. {versions.serves(job.serving)}.")
    return 0


class _Job:
    """A compiled job that runs on an emulated platform."""

    def __init__(self, order: Order, run_id: str, terminal: Terminal) -> None:
        job = job_file.read(order.job)
        self._order, self._run_id, self._terminal = order, run_id, terminal
        self._spec = job.get("pipelineSpec", job)
        # Kubeflow does not read the root in the file: the run has to name it.
        self._root = job.get("runtimeConfig", {}).get("gcsOutputDirectory") or self._spec["defaultPipelineRoot"]
        self._platform = PLATFORMS[order.target]
        self._buckets = os.path.join(order.folder, "buckets")
        self._cache = StepCache(os.path.join(order.folder, "cache.json"))
        self._outputs: dict[str, dict[str, Artifact]] = {}
        tasks = self._spec["root"]["dag"]["tasks"]
        self._values = {**runtime_parameters.defaults(job), **order.parameters}
        self._of_data = _data_variables({name: self._parameters(task) for name, task in tasks.items()})
        self.folder = os.path.join(order.folder, "runs", run_id)
        serving = self._parameters(tasks["pusher"])["serving"]
        self.serving = places.in_buckets(serving, self._buckets)
        os.makedirs(self.folder)
        os.makedirs(self._buckets, exist_ok=True)

    def run(self) -> None:
        """Run all tasks, each after those that it needs."""
        tasks = list(_in_order(self._spec["root"]["dag"]["tasks"]))
        self._terminal.plan([name for name, _ in tasks])
        for name, task in tasks:
            started = time.monotonic()
            self._terminal.node(name, "RUNNING")
            try:
                state = self._step(name, task)
            except PipelineError as error:
                self._terminal.node(name, "FAILED", time.monotonic() - started)
                raise type(error)(f"step {name} failed: {error}") from error
            self._terminal.node(name, state, time.monotonic() - started, self._summary(name))

    def _step(self, name: str, entry: Mapping[str, Any]) -> str:
        component = self._spec["components"][entry["componentRef"]["name"]]
        executor = self._spec["deploymentSpec"]["executors"][component["executorLabel"]]
        if "container" not in executor:
            raise RunError(f"a dry run executes containers, and this step is {', '.join(executor)}")
        inputs = entry.get("inputs", {})
        task = Task(
            name=name,
            component=component,
            parameters=self._parameters(entry),
            inputs={key: self._input(source) for key, source in inputs.get("artifacts", {}).items()},
            root=self._root,
            pipeline=self._spec["pipelineInfo"]["name"],
            run_id=self._run_id,
        )
        container = executor["container"]
        key = self._cache.key(task, container)
        cached = self._cache.read(key) if entry.get("cachingOptions", {}).get("enableCache") else None
        if cached is not None:
            self._outputs[name] = cached
            return "CACHED"
        given = self._platform.executor_input(task)
        self._record(f"{name}.input.json", given)
        words = [
            word.replace("{{$}}", json.dumps(given)) for word in [*container["command"], *container.get("args", [])]
        ]
        # The temporary folder has the place of a pod, which starts empty.
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as pod:
            variables = {
                **{entry["name"]: entry["value"] for entry in container.get("env", [])},
                **self._of_data,
                **self._platform.prepare(given, self._buckets, pod),
            }
            # The client of buckets, which the compilation used, has threads that a fork does not have.
            mode = "subprocess" if self._reads_bucket(task) else self._order.mode
            step_process.run(words, variables, log=os.path.join(self.folder, f"{name}.log"), mode=mode)
            outputs = self._platform.collect(given, self._buckets, pod)
        self._outputs[name] = {
            key: self._platform.register(key, artifact, self._cache.next_number()) for key, artifact in outputs.items()
        }
        self._record(f"{name}.output.json", self._outputs[name])
        self._cache.write(key, self._outputs[name])
        return "COMPLETE"

    def _reads_bucket(self, task: Task) -> bool:
        data = json.loads(self._of_data.get(places.DATA, "[]"))
        texts = [str(long_parameters.restore(value)) for value in task.parameters.values()]
        return any(uri in text for uri in data for text in texts)

    def _parameters(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve the parameters of a task as the platform does."""
        sources = entry.get("inputs", {}).get("parameters", {})
        return {key: self._value(key, source) for key, source in sources.items()}

    def _value(self, key: str, source: Mapping[str, Any]) -> Any:
        if "componentInputParameter" in source:
            return self._values[source["componentInputParameter"]]
        if "runtimeValue" not in source:
            raise UserError(f"parameter {key} comes from another task: a dry run executes jobs without such parameters")
        return source["runtimeValue"]["constant"]

    def _input(self, source: Mapping[str, Mapping[str, str]]) -> Artifact:
        output = source["taskOutputArtifact"]
        return self._outputs[output["producerTask"]][output["outputArtifactKey"]]

    def _record(self, name: str, value: Any) -> None:
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)

    def _summary(self, name: str) -> str:
        lines = (artifact.get("metadata", {}).get(PROPERTY) for artifact in self._outputs[name].values())
        return next((line for line in lines if line), "")

    def outcome(self) -> dict[str, Any]:
        """Return the verdict and the pushed version, as of a run on this machine."""
        evaluation = self._outputs["evaluator"]["evaluation"]["uri"]
        with open(os.path.join(places.in_buckets(evaluation, self._buckets), VERDICT), encoding="utf-8") as file:
            verdict = json.load(file)
        facts = self._outputs["pusher"]["pushed_model"].get("metadata", {})
        destination = facts.get("pushed_destination", "")
        served = reference.outcome(self.serving, places.in_buckets(destination, self._buckets))
        return {
            **verdict,
            "pushed": destination if served["pushed"] else None,
            "serves": served["serves"],
            WITHHELD: facts.get(WITHHELD) or None,
        }


def _data_variables(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the variables with which steps read data in its real bucket; none if the data is on this machine.

    Args:
        parameters: Task -> its parameters.
    """
    validation = _settings(parameters["validation"])
    predicted = _settings(parameters[INFERENCE])["paths"] if INFERENCE in parameters else []
    groups = (validation["source"]["paths"], validation["skew"] or [], predicted)
    named = [path for paths in groups for _, path in data_paths.flat(paths)]
    remote = [path for path in named if data_paths.is_remote(path)]
    if not remote:
        return {}
    own = {name: os.environ[name] for name in buckets.ACCESS if name in os.environ}
    return {**own, places.DATA: json.dumps(remote)}


def _settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    restored = {key: long_parameters.restore(value) for key, value in parameters.items()}
    values: dict[str, Any] = settings.unpack(json.loads(runtime_parameters.applied(restored)["settings"]))
    return values


def _in_order(tasks: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tasks, each after those that it waits for."""
    waiting = dict(tasks)
    done: set[str] = set()
    while waiting:
        ready = [name for name, task in waiting.items() if _upstream(task) <= done]
        if not ready:
            raise RunError(f"the tasks {', '.join(waiting)} wait for each other")
        for name in ready:
            yield name, waiting.pop(name)
            done.add(name)


def _upstream(task: Mapping[str, Any]) -> set[str]:
    artifacts = task.get("inputs", {}).get("artifacts", {}).values()
    return {*task.get("dependentTasks", ()), *(value["taskOutputArtifact"]["producerTask"] for value in artifacts)}
