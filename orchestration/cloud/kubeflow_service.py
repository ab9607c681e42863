"""Runs and schedules of Kubeflow Pipelines, through its client library."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import kfp
import kfp_server_api
import urllib3

from errors import ResourceError
from orchestration.cloud.remote import Access, Run, Scheduled, Stage, Times, in_order

PAGE = 100
SECONDS = 30.0
"""Time limit of the first request."""
_RUN_STATES = {"SUCCEEDED": "SUCCEEDED", "SKIPPED": "SUCCEEDED", "FAILED": "FAILED", "CANCELED": "CANCELED"}
_STAGE_STATES = {"RUNNING": "RUNNING", "SUCCEEDED": "COMPLETE", "SKIPPED": "CACHED", "FAILED": "FAILED"}


class KubeflowService:
    """The client; see `remote.Service`.

    Args:
        access: Address of the API, namespace and token.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        with self._errors():
            self._check_health()
            self._client = kfp.Client(
                host=access.endpoint, namespace=access.namespace or "kubeflow", existing_token=access.token
            )

    def submit(self, job: Mapping[str, Any], path: str, parameters: Mapping[str, Any]) -> str:
        """Start a run in the experiment of the pipeline, with its root: the service reads no root from the job."""
        name = job["pipelineInfo"]["name"]
        with self._errors():
            run = self._client.run_pipeline(
                self._experiment(name),
                name,
                path,
                params=dict(parameters),
                pipeline_root=_root(job),
                service_account=self._access.service_account,
            )
        return str(run.run_id)

    def run(self, run_id: str) -> Run:
        """Return the state of a run."""
        with self._errors():
            run = self._client.get_run(run_id)
        spec = run.pipeline_spec or {}
        tasks = spec.get("pipeline_spec", spec).get("root", {}).get("dag", {}).get("tasks", {})
        details = (run.run_details.task_details if run.run_details else None) or []
        by_name = {task.display_name: task for task in details if task.display_name in tasks}
        stages = {task: _stage(by_name[task]) if task in by_name else Stage("") for task in in_order(tasks)}
        link = f"{self._access.endpoint}/#/runs/details/{run_id}"
        reason = run.error.message if run.error else ""
        return Run(run_id, link, _RUN_STATES.get(run.state or "", "RUNNING"), stages, reason or "")

    def schedules(self) -> list[Scheduled]:
        """List the recurring runs that have a cron expression."""
        runs: list[Any] = []
        token = ""
        while True:
            with self._errors():
                page = self._client.list_recurring_runs(
                    page_token=token, page_size=PAGE, namespace=self._access.namespace
                )
            runs += page.recurring_runs or []
            token = page.next_page_token or ""
            if not token:
                break
        return [
            Scheduled(run.recurring_run_id, run.display_name, run.trigger.cron_schedule.cron, _word(run.status))
            for run in runs
            if run.trigger and run.trigger.cron_schedule
        ]

    def create_schedule(
        self, name: str, job: Mapping[str, Any], path: str, times: Times, parameters: Mapping[str, Any]
    ) -> str:
        """Create a recurring run that starts one run at a time."""
        with self._errors():
            created = self._client.create_recurring_run(
                self._experiment(job["pipelineInfo"]["name"]),
                name,
                cron_expression=times.cron,
                max_concurrency=1,
                no_catchup=not times.catch_up,
                pipeline_package_path=path,
                params=dict(parameters),
                pipeline_root=_root(job),
                service_account=self._access.service_account,
            )
        return str(created.recurring_run_id)

    def pause(self, schedule: Scheduled) -> None:
        """Pause a recurring run."""
        with self._errors():
            self._client.disable_recurring_run(schedule.id)

    def resume(self, schedule: Scheduled, *, catch_up: bool) -> None:
        """Resume a recurring run; whether it catches up was decided when it was created."""
        del catch_up
        with self._errors():
            self._client.enable_recurring_run(schedule.id)

    def delete(self, schedule: Scheduled) -> None:
        """Delete a recurring run."""
        with self._errors():
            self._client.delete_recurring_run(schedule.id)

    def _check_health(self) -> None:
        """Check that the service responds: the client would repeat a failing request for 25 s and print tracebacks."""
        headers = {"Authorization": f"Bearer {self._access.token}"} if self._access.token else {}
        url = f"{str(self._access.endpoint).rstrip('/')}/apis/v2beta1/healthz"
        with urllib3.PoolManager(retries=urllib3.Retry(2, redirect=False), timeout=SECONDS) as pool:
            response = pool.request("GET", url, headers=headers)
        if response.status != 200:
            raise kfp_server_api.ApiException(status=response.status, reason=response.reason or "")

    def _experiment(self, name: str) -> str:
        return str(self._client.create_experiment(name, namespace=self._access.namespace).experiment_id)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        service = f"Kubeflow at {self._access.endpoint}"
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # each retry is a line
        try:
            # The client prints links, and warns about versions of itself.
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except kfp_server_api.ApiException as error:
            if error.status in (401, 403):
                raise ResourceError(
                    f"{service}: permission denied ({error.status}): set KF_PIPELINES_TOKEN to a token of a service "
                    "account that may create runs, and --namespace to its namespace"
                ) from error
            raise ResourceError(f"{service}: {error.status} {error.reason}: {_message(error)}") from error
        except urllib3.exceptions.HTTPError as error:
            raise ResourceError(
                f"{service} cannot be reached: {type(error).__name__}: is the port forwarded, as with `kubectl "
                "port-forward -n kubeflow svc/ml-pipeline-ui 8080:80`?"
            ) from error


def _root(job: Mapping[str, Any]) -> str:
    return str(job["defaultPipelineRoot"])


def _word(status: str | None) -> str:
    return {"ENABLED": "active", "DISABLED": "paused"}.get(status or "", (status or "").lower())


def _message(error: kfp_server_api.ApiException) -> str:
    return " ".join(str(error.body or "").split())[:300]


def _stage(task: Any) -> Stage:
    end_time = task.end_time if task.end_time and task.end_time.year > 1970 else None
    seconds = (end_time - task.start_time).total_seconds() if task.start_time and end_time else None
    return Stage(_STAGE_STATES.get(task.state or "", ""), seconds, (task.error.message if task.error else "") or "")
