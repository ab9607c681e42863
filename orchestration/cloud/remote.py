"""What the services of both platforms have in common: where they are, and the states of runs and schedules."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from errors import GateError, ResourceError, RunError, UserError

Target = Literal["kubeflow", "vertex"]
PLACEHOLDER = re.compile(r"(gs://)?YOUR-[A-Z]+[^\"]*")
"""What the compiler writes where a flag is missing; no bucket or image may have such a name."""
EXIT = re.compile(r"(?:non-zero status of|exit(?:ed with)? (?:code|status):?) (\d+)")
"""How the services quote the exit code of a container."""
_CODES: dict[int, type[Exception]] = {kind.exit_code: kind for kind in (UserError, GateError, RunError, ResourceError)}
"""Exit codes of a stage that mean the same for the run."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a job is sent, and as whom it runs.

    Attributes:
        project: Google Cloud project; Vertex AI only.
        region: Region of Vertex AI, such as europe-west4.
        endpoint: Address of the service: of Kubeflow's API; for Vertex AI in place of the region's.
        namespace: Namespace of a multi-user Kubeflow.
        token: Bearer token of Kubeflow's API; never printed.
        service_account: Account that the stages run as.
        network: Full name of a network that Vertex AI connects the stages to.
        encryption_key: Name of the key that Vertex AI encrypts the run with.
    """

    project: str | None = None
    region: str | None = None
    endpoint: str | None = None
    namespace: str | None = None
    token: str | None = field(default=None, repr=False)
    service_account: str | None = None
    network: str | None = None
    encryption_key: str | None = None


@dataclass(frozen=True)
class Stage:
    """State of a stage of a run: one of the words of orchestration/display/terminal.py.

    Attributes:
        state: RUNNING, COMPLETE, CACHED, FAILED, or empty while it waits.
        seconds: How long it ran; None while unknown.
        reason: The service's message about a failure.
    """

    state: str
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """State of a run.

    Attributes:
        id: The service's name of it.
        link: Its page.
        state: RUNNING, SUCCEEDED, FAILED or CANCELED.
        stages: Stage -> state, in the order of the data flow.
        reason: The service's message about a failure.
    """

    id: str
    link: str
    state: str
    stages: Mapping[str, Stage]
    reason: str = ""

    @property
    def exit_code(self) -> int:
        """The code of this command: that of the first failed stage, if the service quotes it."""
        if self.state == "SUCCEEDED":
            return 0
        if self.state == "CANCELED":
            return 130
        for stage in self.stages.values():
            if stage.state == "FAILED" and (code := EXIT.search(stage.reason)) and int(code[1]) in _CODES:
                return int(code[1])
        return RunError.exit_code


@dataclass(frozen=True)
class Scheduled:
    """A schedule of a service.

    Attributes:
        id: The service's name of it.
        name: PIPELINE:NAME.
        times: Its cron expression, as the service has it.
        state: active, paused, or another word of the service.
        next: Its next time, as the service tells it; empty if unknown.
    """

    id: str
    name: str
    times: str
    state: str
    next: str = ""


@dataclass(frozen=True, kw_only=True)
class Times:
    """When a service starts runs of a schedule.

    Attributes:
        cron: The expression in the form of the service.
        queue: Whether a time that comes during a run waits for its end.
        catch_up: Whether all missed times are made up for.
    """

    cron: str
    queue: bool
    catch_up: bool


class Service(Protocol):
    """The client of a platform. Each method raises ResourceError if the service cannot be reached or refuses."""

    def submit(self, job: Mapping[str, Any], path: str, parameters: Mapping[str, Any]) -> str:
        """Start a run of a job, which is also in a file, with values of its parameters; return the run's id."""

    def run(self, run_id: str) -> Run:
        """Return the state of a run."""

    def schedules(self) -> list[Scheduled]:
        """List all schedules."""

    def create_schedule(
        self, name: str, job: Mapping[str, Any], path: str, times: Times, parameters: Mapping[str, Any]
    ) -> str:
        """Create a schedule of a job, which is also in a file, with values of its parameters; return its id."""

    def pause(self, schedule: Scheduled) -> None:
        """Start no more runs of a schedule until it is resumed."""

    def resume(self, schedule: Scheduled, *, catch_up: bool) -> None:
        """Start runs of a paused schedule again."""

    def delete(self, schedule: Scheduled) -> None:
        """Delete a schedule; its runs stay."""


def connect(target: Target, access: Access) -> Service:
    """Return the client of a platform.

    Raises:
        UserError: the project, region or address is missing or malformed. Nothing was sent.
    """
    if target == "vertex":
        check_vertex(access)
        from orchestration.cloud import vertex_service

        return vertex_service.VertexService(access)
    if not access.endpoint:
        raise UserError(
            "Kubeflow needs --endpoint, the address of its API, as --endpoint http://localhost:8080 of a forwarded "
            "port, or KF_PIPELINES_ENDPOINT in the environment"
        )
    if not re.fullmatch(r"https?://[^\s@?#]+", access.endpoint):
        raise UserError("--endpoint: write http://HOST:PORT or https://HOST/PATH, without user, password or options")
    for option, value in (("--network", access.network), ("--encryption-key", access.encryption_key)):
        if value:
            raise UserError(f"{option} has no effect on Kubeflow: its administrator sets this; remove it")
    from orchestration.cloud import kubeflow_service

    return kubeflow_service.KubeflowService(access)


def check_vertex(access: Access) -> None:
    """Check that Vertex AI has its project and region.

    Raises:
        UserError: one is missing or malformed.
    """
    for option, value, variable, form in (
        ("--gcp-project", access.project, "GOOGLE_CLOUD_PROJECT", r"[a-z][a-z0-9.:-]{3,}[a-z0-9]|\d+"),
        ("--region", access.region, "GOOGLE_CLOUD_REGION", r"[a-z]+-[a-z]+\d+"),
    ):
        example = "my-project" if option == "--gcp-project" else "europe-west4"
        if not value:
            raise UserError(f"Vertex AI needs {option}, as {option} {example}, or {variable} in the environment")
        if not re.fullmatch(form, value):
            raise UserError(f"{option} {value}: is not the form of an id: write it as {example}")


def check_job(job: Mapping[str, Any]) -> None:
    """Check that a job can run as it is.

    Raises:
        UserError: it has placeholders.
    """
    if placeholder := PLACEHOLDER.search(json.dumps(job)):
        raise UserError(
            f"the job still has the placeholder {placeholder[0]}: name your own with --cloud-root gs://BUCKET/FOLDER "
            "and --image REGISTRY/NAME:TAG. Nothing was sent"
        )


def in_order(tasks: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Sort the tasks of a job so that each comes after those that it waits for."""
    ordered: list[str] = []
    pending = sorted(tasks)
    while pending:
        ready = [task for task in pending if set(tasks[task].get("dependentTasks", ())) <= set(ordered)]
        ordered += ready or pending
        pending = [task for task in pending if task not in ordered]
    return ordered
