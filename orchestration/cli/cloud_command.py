"""--submit, --follow and --schedule with --kubeflow or --vertex, and the schedules of both platforms."""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

import printing
import project
from errors import UserError
from orchestration.cli import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestration.cloud.remote import Access, Scheduled, Service, Target
    from orchestration.schedule.plans import Plan

_VARIABLES = {
    "gcp_project": "GOOGLE_CLOUD_PROJECT",
    "region": "GOOGLE_CLOUD_REGION",
    "endpoint": "KF_PIPELINES_ENDPOINT",
    "service_account": "PIPELINE_SERVICE_ACCOUNT",
    "network": "PIPELINE_NETWORK",
    "encryption_key": "PIPELINE_ENCRYPTION_KEY",
}
"""Option -> environment variable that it defaults to."""
_OF_ONE = {"endpoint": "kubeflow", "network": "vertex", "encryption_key": "vertex"}
"""Option -> the only platform whose variable is read: the other platform has no use for it."""
_TOKEN_VARIABLE = "KF_PIPELINES_TOKEN"
Compile = Callable[[str | None], tuple[str, Mapping[str, Any]]]
"""Compiles the job of a variant, None for the one of the arguments, and returns the file and the run's parameters."""


def add(root: Any) -> None:
    """Add the options of sending a job to a platform."""
    cloud = root.add_argument_group(
        "running on Kubeflow and Vertex AI",
        "sends the compiled job with the platform's own client; credentials come from the environment",
    )
    cloud.add_argument("--submit", action="store_true", default=None, help="start a run of the compiled job")
    cloud.add_argument(
        "--follow",
        nargs="?",
        const="",
        metavar="RUN",
        help="show the stages until the run ends, and exit with its code: of the submitted job, or of RUN",
    )
    cloud.add_argument(
        "--parameter",
        action="append",
        metavar="NAME=VALUE",
        help="set a parameter of the run, such as epochs=3 or data_path=gs://BUCKET/FILE, also with --schedule and "
        "--dry-run; can be repeated",
    )
    add_access(cloud, lambda value: value)


def add_access(parser: Any, default: Callable[[Any], Any]) -> None:
    """Add the options that say where a platform is; `default` as of `options.add_run_options`."""

    def add_option(name: str, metavar: str, text: str) -> None:
        variable = _VARIABLES[name.replace("-", "_")]
        parser.add_argument(f"--{name}", default=default(None), metavar=metavar, help=f"{text} (default: ${variable})")

    add_option("gcp-project", "ID", "Google Cloud project of Vertex AI")
    add_option("region", "REGION", "region of Vertex AI, such as europe-west4")
    add_option("endpoint", "URL", "address of the API of Kubeflow Pipelines")
    parser.add_argument(
        "--namespace", default=default(None), metavar="NAME", help="namespace of a Kubeflow with several users"
    )
    add_option("service-account", "NAME", "account that the stages run as")
    add_option("network", "NAME", "full name of the network that Vertex AI connects the stages to")
    add_option("encryption-key", "NAME", "full name of the key that Vertex AI encrypts the run with")


def wanted(arguments: argparse.Namespace) -> bool:
    """Return whether something is sent to the platform, or asked of it."""
    return bool(arguments.submit or arguments.follow is not None or arguments.schedule is not None)


def run(arguments: argparse.Namespace, compiled: Compile) -> int:
    """Compile and submit, follow, or create schedules.

    Args:
        arguments: The arguments.
        compiled: Compiles the job.

    Returns:
        The exit code: of the run if it is followed.
    """
    from orchestration.cloud import follow, remote

    target = _target(arguments)
    if arguments.schedule is not None:
        if arguments.submit or arguments.follow is not None:
            raise UserError("--schedule starts runs at their times: leave out --submit and --follow")
        return _create(arguments, target, compiled)
    run_id = arguments.follow
    if arguments.parameter and not arguments.submit:
        raise UserError("--parameter is of the run that --submit starts: a run that exists keeps its own")
    if bool(arguments.submit) == bool(run_id):
        raise UserError("--follow is of the job that --submit starts, or of a run that exists: --follow RUN")
    if arguments.submit:
        _check_places(arguments)
    service = remote.connect(target, access(arguments, target))
    if arguments.submit:
        path, parameters = compiled(None)
        run_id = service.submit(_job(path), path, parameters)
        printing.line(f"submitted  {run_id}", f"page       {service.run(run_id).link}")
    return follow.follow(service, run_id) if arguments.follow is not None else 0


def manage(arguments: argparse.Namespace) -> int:
    """Act on the schedules of a platform: list, pause, resume, delete."""
    from orchestration.cloud import remote

    target, command = _target(arguments), arguments.schedule_command
    if command not in ("list", "pause", "resume", "delete"):
        raise UserError(f"schedule {command} is for schedules of this machine: leave out --{target}")
    service = remote.connect(target, access(arguments, target))
    if command == "list":
        return _list(service, as_values=arguments.json)
    schedule = _find(service.schedules(), arguments.name)
    if command == "pause":
        service.pause(schedule)
    elif command == "resume":
        service.resume(schedule, catch_up=_catches_up(schedule.name))
    else:
        service.delete(schedule)
    printing.line(f"{schedule.name}: {command}d")
    return 0


def _target(arguments: argparse.Namespace) -> "Target":
    return "kubeflow" if arguments.kubeflow else "vertex"


def access(arguments: argparse.Namespace, target: "Target") -> "Access":
    """Return where the platform is, from options and environment."""
    from orchestration.cloud.remote import Access

    values = {}
    for name, variable in _VARIABLES.items():
        inherited = os.environ.get(variable) if _OF_ONE.get(name, target) == target else None
        values[name] = getattr(arguments, name) or inherited or None
    values["project"] = values.pop("gcp_project")
    token = os.environ.get(_TOKEN_VARIABLE) if target == "kubeflow" else None
    return Access(namespace=arguments.namespace, token=token, **values)


def _check_places(arguments: argparse.Namespace) -> None:
    for option, value, form in (
        ("--cloud-root", arguments.cloud_root, "gs://BUCKET/FOLDER"),
        ("--image", arguments.image, "REGISTRY/NAME:TAG"),
    ):
        if not value:
            raise UserError(f"a job that is sent needs {option}: name your own as {form}. Nothing was sent")


def _job(path: str) -> Mapping[str, Any]:
    """Read a compiled job, and check that it has no placeholders."""
    from orchestration.cloud import job_file, remote

    job = job_file.read(path)
    remote.check_job(job)
    return job


def _create(arguments: argparse.Namespace, target: "Target", compiled: Compile) -> int:
    """Create the schedules of the config, or the one of the command line."""
    from orchestration.cloud import remote, schedule_times

    _check_places(arguments)
    planned = [(plan, *schedule_times.times(target, plan.schedule)) for plan in _plans(arguments)]
    service = remote.connect(target, access(arguments, target))
    existing = {schedule.name for schedule in service.schedules()}
    for plan, _, _ in planned:
        if plan.name in existing:
            raise UserError(
                f"{plan.name} is scheduled already: `python runner.py schedule delete {plan.name} --{target}` first"
            )
    for plan, times, notes in planned:
        path, parameters = compiled(plan.schedule.variant)
        service.create_schedule(plan.name, _job(path), path, times, parameters)
        printing.line(f"scheduled  {plan.name}: {times.cron}", *notes)
    return 0


def _plans(arguments: argparse.Namespace) -> "list[Plan]":
    from orchestration.schedule import plans
    from pipeline.load import load
    from spec.timing.schedule import Schedule

    config = load(project.folder(), arguments.pipeline, options.overrides(arguments), arguments.variant)
    schedules = list(config.schedule)
    if arguments.schedule:
        try:
            schedules = [Schedule(name=plans.COMMAND_LINE, cron=arguments.schedule)]
        except ValueError as error:
            reason = str(error).partition("Value error, ")[2].partition(" [type=")[0]
            raise UserError(f"--schedule: {reason or error}") from error
    if not schedules:
        raise UserError(
            f'configs/{arguments.pipeline}.toml has no [[schedule]]: add one, or say --schedule "0 3 * * *"'
        )
    return [plans.Plan(arguments.pipeline, schedule, config.notify) for schedule in schedules]


def _list(service: "Service", *, as_values: bool) -> int:
    from inspection.text_output import as_json, drawn, table

    schedules = service.schedules()
    rows: list[list[Any]] = [[entry.name, entry.times, entry.state, entry.next] for entry in schedules]
    if as_values:
        printing.block(as_json({"schedules": schedules}))
    else:
        printing.block(drawn(table(["SCHEDULE", "TIMES", "STATE", "NEXT"], rows)) if rows else "no schedules\n")
    return 0


def _find(schedules: "list[Scheduled]", name: str) -> "Scheduled":
    from pipeline.schema_columns import nearest

    fits = [entry for entry in schedules if name in (entry.name, entry.name.partition(":")[2])]
    if len(fits) == 1:
        return fits[0]
    if fits:
        names = ", ".join(entry.name for entry in fits)
        raise UserError(f"{name!r} matches several schedules: {names}")
    raise UserError(f"there is no schedule {name!r}.{nearest(name, [entry.name for entry in schedules], 'schedules')}")


def _catches_up(name: str) -> bool:
    """Return whether the config of a schedule wants all missed times."""
    from orchestration.schedule import plans

    return any(plan.name == name and plan.schedule.catchup == "all" for plan in plans.all_plans().known)
