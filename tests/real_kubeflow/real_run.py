"""Run a compiled job twice with Kubeflow's real driver and launcher, in a root of its own.

    python tests/real_kubeflow/real_run.py JOB DRIVER LAUNCHER OUT

Argo's part is played here: for each task, the driver and then the command of the pod that it describes. ML Metadata,
Kubeflow's cache, Kubernetes' API and the object store of the job's root are servers on this machine.
OUT/1/NAME.json receives the input of each step, beside the one that a dry run passes to it, and OUT/2 those of the
second run; OUT/stored the objects of the store after both, and OUT/emulated what dry runs would have stored.
"""

import json
import os
import shutil
import subprocess
import sys
import types
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_TESTS = Path(__file__).resolve().parents[1]
sys.path[0] = str(_TESTS.parent)
# The installed packages hold a `tests` of their own.
sys.modules["tests"] = types.ModuleType("tests")
sys.modules["tests"].__path__ = [str(_TESTS)]

from orchestration.cloud import job_file, places  # noqa: E402
from orchestration.cloud.emulation.platforms import PLATFORMS, Artifact, Task  # noqa: E402
from orchestration.cloud.emulation.step_cache import StepCache  # noqa: E402
from orchestration.cloud.parameters import runtime_parameters  # noqa: E402
from orchestration.cloud.remote import in_order  # noqa: E402
from tests import namespace_network  # noqa: E402
from tests.real_kubeflow.cluster_services import KEYS, grpc_services, kubernetes_api  # noqa: E402
from tests.real_kubeflow.stores import STORES  # noqa: E402

_CONSTANT = {
    "run_name": "run",
    "run_display_name": "run",
    "pipeline_job_create_time_utc": "2026-01-01T00:00:00Z",
    "iteration_index": "-1",
    "ml_pipeline_server_address": "127.0.0.1",
    "ml_pipeline_tls_enabled": "false",
    "mlmd_server_address": "127.0.0.1",
    "metadata_tls_enabled": "false",
    "ca_cert_path": "",
    "cache_disabled": "false",
    "publish_logs": "true",
    "log_level": "1",
    "http_proxy": "",
    "https_proxy": "",
    "no_proxy": "",
}
"""Options of the driver that are equal for all tasks."""


class Run:
    """A run of a job.

    Args:
        path: The compiled file.
        programs: Kubeflow's driver and launcher.
        variables: Variables of each pod.
        port: Port of the metadata service and of the cache.
        out: Folder for the results of all runs.
        name: Folder in it for the inputs of the steps.
    """

    def __init__(
        self, path: str, programs: tuple[str, str], variables: Mapping[str, str], port: int, out: Path, name: str
    ) -> None:
        self._spec = job_file.read(path)
        with open(path, encoding="utf-8") as file:
            [_, *more] = yaml.safe_load_all(file)
        self._pods = more[0]["platforms"]["kubernetes"]["deploymentSpec"]["executors"] if more else {}
        self._driver, self._launcher = programs
        self._variables, self._port, self._out, self._folder = dict(variables), str(port), out, out / name
        self._folder.mkdir()
        self._cache = StepCache(str(out / "cache.json"))
        self.name = self._spec["pipelineInfo"]["name"]
        self.scheme = self._spec["defaultPipelineRoot"].partition("://")[0]
        self.run_id = str(uuid.uuid4())
        self._values = runtime_parameters.defaults(self._spec)
        self._outputs: dict[str, dict[str, Artifact]] = {}

    def drive(self, kind: str, **options: Any) -> dict[str, str]:
        """Run the driver, and return what it writes into files."""
        written = ("execution_id", "iteration_count", "cached_decision", "condition", "pod_spec_patch")
        folder = self._out / "driven" / str(uuid.uuid4())
        folder.mkdir(parents=True)
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in options.items()}
        given = {
            **_CONSTANT,
            "type": kind,
            "pipeline_name": self.name,
            "run_id": self.run_id,
            "mlmd_server_port": self._port,
            "ml_pipeline_server_port": self._port,
            **{f"{name}_path": str(folder / name) for name in written},
            **texts,
        }
        words = [self._driver, *(f"--{key}={value}" for key, value in given.items())]
        self._call(words, self._variables, "driver")
        return {path.name: path.read_text() for path in folder.iterdir()}

    def _call(self, words: list[str], variables: Mapping[str, str], what: str) -> None:
        result = subprocess.run(words, env=dict(variables), capture_output=True, text=True)
        if result.returncode:
            raise SystemExit(f"{what}: exit code {result.returncode}\n{result.stdout[-3000:]}\n{result.stderr[-6000:]}")

    def run(self) -> None:
        """Run all tasks."""
        runtime = {"gcsOutputDirectory": self._spec["defaultPipelineRoot"], "parameterValues": self._values}
        root = self.drive("ROOT_DAG", component=self._spec["root"], runtime_config=runtime)["execution_id"]
        tasks = self._spec["root"]["dag"]["tasks"]
        for name in in_order(tasks):
            self._step(name, tasks[name], root)
            print(f"{name}: done", flush=True)

    def _step(self, name: str, entry: Mapping[str, Any], root: str) -> None:
        component = self._spec["components"][entry["componentRef"]["name"]]
        label = component["executorLabel"]
        container = self._spec["deploymentSpec"]["executors"][label]["container"]
        driven = self.drive(
            "CONTAINER",
            component=component,
            task=entry,
            container=container,
            kubernetes_config=self._pods.get(label, {}),
            dag_execution_id=root,
            task_name=name,
        )
        task, kubeflow = self._task(name, entry, component), PLATFORMS["kubeflow"]
        key = StepCache.key(task, container)
        found = self._cache.read(key) if entry.get("cachingOptions", {}).get("enableCache") else None
        record = {
            "component_spec": component,
            "cached": driven["cached_decision"] == "true",
            "emulated_cached": found is not None,
            "emulated_input": kubeflow.executor_input(task),
        }
        if record["cached"]:
            self._record(name, record)
            assert found is not None, f"{name} comes from Kubeflow's cache, and not from that of a dry run"
            self._outputs[name] = found
            return
        [pod] = json.loads(driven["pod_spec_patch"])["containers"]
        words = pod["command"] + pod.get("args", [])
        record["executor_input"] = json.loads(words[words.index("--executor_input") + 1])
        self._record(name, record)
        variables = {item["name"]: _value(item) for item in pod.get("env", [])}
        self._call([self._launcher, *words[1:]], {**self._variables, **variables}, name)
        outputs = kubeflow.collect(record["executor_input"], str(self._out / "emulated"), "/")
        shutil.rmtree(f"/{places.LAUNCHER[self.scheme]}")  # the next pod starts without files
        self._outputs[name] = {
            output: kubeflow.register(output, artifact, self._cache.next_number())
            for output, artifact in outputs.items()
        }
        self._cache.write(key, self._outputs[name])

    def _record(self, name: str, record: Mapping[str, Any]) -> None:
        (self._folder / f"{name}.json").write_text(json.dumps(record, indent=1))

    def _task(self, name: str, entry: Mapping[str, Any], component: Mapping[str, Any]) -> Task:
        """Return the task as a dry run would pass it to the emulated platform."""
        sources = entry.get("inputs", {})
        parameters = {
            key: self._values[source["componentInputParameter"]]
            if "componentInputParameter" in source
            else source["runtimeValue"]["constant"]
            for key, source in sources.get("parameters", {}).items()
        }
        produced = {key: value["taskOutputArtifact"] for key, value in sources.get("artifacts", {}).items()}
        return Task(
            name=name,
            component=component,
            parameters=parameters,
            inputs={
                key: self._outputs[source["producerTask"]][source["outputArtifactKey"]]
                for key, source in produced.items()
            },
            root=self._spec["defaultPipelineRoot"],
            pipeline=self.name,
            run_id=self.run_id,
        )


def _value(item: Mapping[str, Any]) -> str:
    """Return the value of a pod's variable, of a secret if it names one."""
    return str(item["value"]) if "value" in item else KEYS[item["valueFrom"]["secretKeyRef"]["key"]]


def main(job: str, driver: str, launcher: str, out: str) -> None:
    """Run a job twice, and write what its steps received and what is in the store after it."""
    folder = Path(out)
    store = STORES[job_file.read(job)["defaultPipelineRoot"].partition("://")[0]]
    namespace_network.start(*store.hosts)
    with store.serve(folder) as served, grpc_services() as port, kubernetes_api() as address:
        path = os.pathsep.join([os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"])
        variables = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "KFP_POD_NAME": "pod", "KFP_POD_UID": "uid"}
        variables |= {"KFP_RETRY_INDEX": "0", **address, **served.variables}
        for name in ("1", "2"):
            Run(job, (driver, launcher), variables, port, folder, name).run()
        for name, content in served.objects().items():
            place = folder / "stored" / name
            if not name.endswith("/"):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
