"""The pusher of a compiled job, killed at a random request to the bucket, then run again as by the platform's retry."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cloud import places

from ..orchestration.cloud.executor_inputs import MODEL_TYPE, RUN, arguments, artifact, executor_input, inputs_spec

REPOSITORY = Path(__file__).parents[2]
KILLS = 20
BLESSING_TYPE, PUSHED_TYPE = (
    {"instanceSchema": f"title: tfx.{kind}\ntype: object\n"} for kind in ("ModelBlessing", "PushedModel")
)


class Requests(list):
    """Requests to the server; at one of them, the process that sent it is killed before it gets an answer."""

    process, last = 0, 0

    def append(self, request):
        super().append(request)
        if len(self) == self.last:
            os.kill(self.process, signal.SIGKILL)


@pytest.fixture
def pod(saved, tmp_path, monkeypatch):
    """The launcher's folder, with a model."""
    monkeypatch.setenv(places.POD, str(tmp_path / "pod"))
    folder = tmp_path / "pod/minio" / RUN
    shutil.copytree(saved, folder / "trainer/9f/model/Format-Serving")
    return folder


STEPS = """
import json, os, sys, traceback
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor
from components.pusher import component
from orchestration.cloud import step

for line in sys.stdin:
    process = os.fork()
    if not process:
        code = 99
        try:
            os.dup2(2, 1)
            code = step.run(step.parse(json.loads(line)))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""
"""A process that has imported what steps need, and forks for each: TensorFlow must not run before a fork."""


@pytest.fixture
def steps(pod, gcs):
    with subprocess.Popen(
        [sys.executable, "-c", STEPS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        yield process
        process.stdin.close()


def push(steps, home, pod, requests):
    """Run the step, and return its exit code."""
    shutil.rmtree(pod / "pusher", ignore_errors=True)
    parameters = {"serving": f"{home}/serving", "keep": 3, "allowed": '{"repeat": false}', "code": ""}
    facts = {"blessed": 1, "span": 0, "declines": "", "compared_with": "", "not_compared": "no baseline yet"}
    inputs = {
        "model": artifact("minio", "trainer", "model", MODEL_TYPE),
        "blessing": artifact("minio", "evaluator", "blessing", BLESSING_TYPE, metadata=facts),
    }
    task_input = executor_input("pusher", parameters=parameters, inputs=inputs, outputs={"pushed_model": PUSHED_TYPE})
    kinds = {key: {"parameterType": "NUMBER_INTEGER" if key == "keep" else "STRING"} for key in parameters}
    spec = {**inputs_spec(model=MODEL_TYPE, blessing=BLESSING_TYPE), "parameters": kinds}
    name, *words = arguments("components.pusher.component.Executor", task_input, spec)
    print(json.dumps([name, f"--home={home}", *words]), file=steps.stdin, flush=True)
    requests.process = int(steps.stdout.readline())
    return int(steps.stdout.readline())


def versions(gcs, home):
    """Map the versions that a server would load to the contents of their files."""
    prefix = f"{home.removeprefix('gs://bucket/')}/serving/"
    files = {name.removeprefix(prefix): data for (_, name), (data, _) in gcs.objects.items() if name.startswith(prefix)}
    loadable = {name.partition("/")[0] for name in files if name.endswith("/saved_model.pb")}
    return {
        number: {name.partition("/")[2]: data for name, data in files.items() if name.startswith(f"{number}/")}
        for number in loadable
    }


@pytest.mark.slow
def test_a_killed_push_leaves_no_partial_version_and_its_retry_succeeds(saved, pod, gcs, steps):
    model = {str(path.relative_to(saved)): path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    gcs.requests = requests = Requests()
    assert push(steps, "gs://bucket/whole/houses", pod, requests) == 0
    total, draw = len(requests), random.Random(0)
    for number in range(KILLS):
        home = f"gs://bucket/kill-{number}/houses"
        gcs.requests = requests = Requests()
        requests.last = draw.randint(1, total)
        assert push(steps, home, pod, requests) == -signal.SIGKILL
        for files in versions(gcs, home).values():
            assert {name: files.get(name) for name in model} == model, f"partial after request {requests.last}"
        gcs.requests = requests = Requests()
        assert push(steps, home, pod, requests) == 0
        [files] = versions(gcs, home).values()
        assert {name: files.get(name) for name in model} == model
