"""Runs and schedules of Vertex AI Pipelines, through Google's client library."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from google.api_core import exceptions
from google.auth import credentials as google_credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import aiplatform_v1
from google.protobuf import json_format

from errors import ResourceError
from orchestration.cloud.remote import Access, Run, Scheduled, Stage, Times, in_order
from spec.timing import utc

SECONDS = 60.0
"""Time limit of a request."""
_RUN_STATES = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "CANCELLED": "CANCELED"}
_STAGE_STATES = {"RUNNING": "RUNNING", "SUCCEEDED": "COMPLETE", "SKIPPED": "CACHED", "FAILED": "FAILED"}
_ROLES = "roles/aiplatform.user in the project, and roles/iam.serviceAccountUser on --service-account"


class VertexService:
    """The client; see `remote.Service`.

    Args:
        access: Project and region. Requests to an http:// endpoint have no credentials.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._parent = f"projects/{access.project}/locations/{access.region}"
        self._options: dict[str, Any] = {
            "transport": "rest",
            "client_options": {"api_endpoint": access.endpoint or f"{access.region}-aiplatform.googleapis.com"},
        }
        if (access.endpoint or "").startswith("http://"):
            self._options["credentials"] = google_credentials.AnonymousCredentials()

    def submit(self, job: Mapping[str, Any], path: str, parameters: Mapping[str, Any]) -> str:
        """Start a run; its id is the pipeline's name and the time."""
        del path
        name = job["pipelineSpec"]["pipelineInfo"]["name"]
        run_id = f"{name[:100].rstrip('-')}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}"
        with self._errors():
            self._jobs().create_pipeline_job(
                parent=self._parent,
                pipeline_job=self._job(job, parameters),
                pipeline_job_id=run_id,
                timeout=SECONDS,
            )
        return run_id

    def run(self, run_id: str) -> Run:
        """Return the state of a run."""
        with self._errors():
            job = self._jobs().get_pipeline_job(name=f"{self._parent}/pipelineJobs/{run_id}", timeout=SECONDS)
        details = {task.task_name: task for task in job.job_detail.task_details}
        spec = json_format.MessageToDict(aiplatform_v1.PipelineJob.pb(job).pipeline_spec)
        tasks = spec.get("root", {}).get("dag", {}).get("tasks", {})
        link = (
            f"https://console.cloud.google.com/vertex-ai/locations/{self._access.region}/pipelines/runs/{run_id}"
            f"?project={self._access.project}"
        )
        state = _RUN_STATES.get(job.state.name.removeprefix("PIPELINE_STATE_"), "RUNNING")
        stages = {task: _stage(details[task]) if task in details else Stage("") for task in in_order(tasks)}
        return Run(run_id, link, state, stages, job.error.message)

    def schedules(self) -> list[Scheduled]:
        """List the schedules of the region."""
        with self._errors():
            schedules = list(self._schedules().list_schedules(parent=self._parent, timeout=SECONDS))
        return [
            Scheduled(
                schedule.name,
                schedule.display_name,
                schedule.cron,
                schedule.state.name.lower(),
                utc.text(schedule.next_run_time.timestamp()) if schedule.next_run_time else "",
            )
            for schedule in schedules
        ]

    def create_schedule(
        self, name: str, job: Mapping[str, Any], path: str, times: Times, parameters: Mapping[str, Any]
    ) -> str:
        """Create a schedule that starts one run at a time."""
        del path
        schedule = aiplatform_v1.Schedule(
            display_name=name,
            cron=times.cron,
            max_concurrent_run_count=1,
            allow_queueing=times.queue,
            create_pipeline_job_request={"parent": self._parent, "pipeline_job": self._job(job, parameters)},
        )
        with self._errors():
            created = self._schedules().create_schedule(parent=self._parent, schedule=schedule, timeout=SECONDS)
        return str(created.name)

    def pause(self, schedule: Scheduled) -> None:
        """Pause a schedule."""
        with self._errors():
            self._schedules().pause_schedule(name=schedule.id, timeout=SECONDS)

    def resume(self, schedule: Scheduled, *, catch_up: bool) -> None:
        """Resume a schedule."""
        request = aiplatform_v1.ResumeScheduleRequest(name=schedule.id, catch_up=catch_up)
        with self._errors():
            self._schedules().resume_schedule(request=request, timeout=SECONDS)

    def delete(self, schedule: Scheduled) -> None:
        """Delete a schedule and wait until it is gone."""
        with self._errors():
            self._schedules().delete_schedule(name=schedule.id, timeout=SECONDS).result(timeout=SECONDS)

    def _jobs(self) -> Any:
        return aiplatform_v1.PipelineServiceClient(**self._options)

    def _schedules(self) -> Any:
        return aiplatform_v1.ScheduleServiceClient(**self._options)

    def _job(self, job: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        """Return the compiled job as a message, with the parameters, account, network and key of the command line."""
        message = aiplatform_v1.PipelineJob.pb(aiplatform_v1.PipelineJob())
        content = {key: job[key] for key in ("pipelineSpec", "runtimeConfig", "labels") if key in job}
        if parameters:
            content["runtimeConfig"] = {**content["runtimeConfig"], "parameterValues": dict(parameters)}
        json_format.ParseDict(content, message)
        message.display_name = job["pipelineSpec"]["pipelineInfo"]["name"]
        message.service_account = self._access.service_account or ""
        message.network = self._access.network or ""
        if self._access.encryption_key:
            json_format.ParseDict({"encryptionSpec": {"kmsKeyName": self._access.encryption_key}}, message)
        return aiplatform_v1.PipelineJob.wrap(message)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        service = f"Vertex AI, project {self._access.project}, region {self._access.region}"
        try:
            yield
        except exceptions.Forbidden as error:
            raise ResourceError(f"{service}: permission denied: {error.message}. This needs {_ROLES}") from error
        except exceptions.NotFound as error:
            raise ResourceError(f"{service}: not found: {error.message}") from error
        except (exceptions.GoogleAPIError, exceptions.RetryError) as error:
            raise ResourceError(f"{service}: {getattr(error, 'message', None) or error}") from error
        except GoogleAuthError as error:
            raise ResourceError(
                f"{service}: there are no valid credentials: run `gcloud auth application-default login`, or set "
                "GOOGLE_APPLICATION_CREDENTIALS to the file of a service account"
            ) from error
        except OSError as error:
            raise ResourceError(f"{service} cannot be reached: {type(error).__name__}: check the network") from error


def _stage(task: Any) -> Stage:
    seconds = (task.end_time - task.start_time).total_seconds() if task.start_time and task.end_time else None
    return Stage(_STAGE_STATES.get(task.state.name, ""), seconds, task.error.message)
