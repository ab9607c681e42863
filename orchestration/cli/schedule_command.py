"""`schedule`, and --local --schedule: scheduled runs."""

import argparse
import os
from typing import Any

import printing
import project
from errors import ResourceError, UserError
from orchestration.cli import cloud_command, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestration.schedule.fire import Result
    from orchestration.schedule.plans import Plan, Plans
    from orchestration.schedule.schedule_state import State

_EXITS = {"BLOCKED": 3, "NOT_BLESSED": 3, "FAILED": 4, "CANCELED": 130}


def add(commands: Any) -> None:
    """Add the command to the parser."""
    schedule = commands.add_parser("schedule", help="scheduled runs: schedule list, schedule history")
    schedule.set_defaults(do=run)
    # The same option may precede the command: absent here, it keeps that value.
    where = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_project(where, options.absent)
    where.add_argument("--root", metavar="DIR", help=project.ROOT_HELP)
    platform = where.add_argument_group("schedules of a platform")
    for target, title in (("kubeflow", "Kubeflow Pipelines"), ("vertex", "Vertex AI")):
        platform.add_argument(f"--{target}", action="store_true", help=f"the schedules of {title}")
    cloud_command.add_access(platform, options.absent)
    inner = schedule.add_subparsers(dest="schedule_command", metavar="COMMAND", required=True)

    def one(name: str, description: str, *, needed: bool = True) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = inner.add_parser(name, parents=[where], help=description)
        parser.add_argument("name", metavar="NAME", nargs=None if needed else "?", help="PIPELINE:NAME, or NAME alone")
        return parser

    listed = inner.add_parser(
        "list", parents=[where], help="list all schedules with their next time and the end of their last run"
    )
    listed.add_argument("--json", action="store_true", help="print JSON instead of a table")
    one("next", "list the next times of a schedule").add_argument(
        "-n", dest="count", type=options.rows, default=5, metavar="N", help="number of times (default: 5)"
    )
    one("pause", "skip the times of a schedule until it is resumed")
    one("resume", "resume a paused schedule at its next time")
    one("delete", "delete a schedule of a platform; its runs stay")
    one("run-now", "run a schedule now and wait for its end")
    ended = one("history", "list past times and their runs, newest first", needed=False)
    ended.add_argument("--limit", type=options.rows, default=50, metavar="N", help="number of lines (default: 50)")
    ended.add_argument("--json", action="store_true", help="print JSON instead of a table")
    one("serve", "run one schedule or all until stopped", needed=False)
    one("systemd", "print a systemd unit that runs a schedule")
    one("crontab", "print a crontab line that runs a schedule")
    inner.add_parser("fire", parents=[where]).add_argument("name", help=argparse.SUPPRESS)


def serve(arguments: argparse.Namespace) -> int:
    """Run all schedules, or the one of the command line, until stopped."""
    from orchestration.schedule import channels, plans, service
    from pipeline.load import load
    from spec.timing.schedule import Schedule

    root, given = os.path.abspath(arguments.root), _run_options(arguments)
    if not arguments.schedule:
        if given != _run_options(arguments, everything=False):
            raise UserError(
                "--set, --variant and --sample change the runs of one pipeline: add its times, such as --schedule "
                '"0 3 * * *", or write them into its config'
            )
        return service.serve(root, lambda: plans.all_plans(arguments=given), arguments.metadata)
    try:
        schedule = Schedule(name=plans.COMMAND_LINE, cron=arguments.schedule)
    except ValueError as error:
        reason = str(error).partition("Value error, ")[2].partition(" [type=")[0]
        raise UserError(f"--schedule: {reason or error}") from error

    config = load(project.folder(), arguments.pipeline, options.overrides(arguments), _one_variant(arguments))
    channels.check(config.notify.channels)
    plan = plans.Plan(arguments.pipeline, schedule, config.notify, given)
    return service.serve(root, lambda: plans.Plans([plan]), arguments.metadata)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.kubeflow or arguments.vertex:
        return cloud_command.manage(arguments)
    if arguments.schedule_command == "delete":
        raise UserError(
            "a schedule of this machine is its [[schedule]] in the config: remove it there, or add --vertex"
        )
    from orchestration.schedule import plans, service, systemd_units
    from orchestration.schedule.schedule_state import State

    command, root = arguments.schedule_command, os.path.abspath(arguments.root)
    if command == "fire":
        state = State(root)
        return _exit_code(_carried_out(state, int(arguments.name)))
    if command == "history":
        return _history(root, arguments)
    known = plans.all_plans(arguments=_run_options(arguments, everything=False))
    if command == "list":
        return _list(root, known, as_values=arguments.json)
    if command == "serve":
        wanted = None if arguments.name is None else plans.find(known, arguments.name)

        def read() -> "Plans":
            found = plans.all_plans(arguments=_run_options(arguments, everything=False))
            return found if wanted is None else found.only(wanted)

        return service.serve(root, read, arguments.metadata)
    plan = plans.find(known, arguments.name)
    if command == "next":
        return _next(plan, arguments.count)
    if command in ("systemd", "crontab"):
        if not root.isprintable():
            raise UserError(
                f"--root {root!r} contains a control character, which these files cannot represent: rename the folder"
            )
        printing.block(getattr(systemd_units, command)(plan, root))
        return 0
    import time

    state = State(root)
    state.remember(plan, time.time())
    if command == "run-now":
        number = state.add(plan.name, time.time())
        assert number is not None
        if arguments.metadata:
            os.environ[options.METADATA_VARIABLE] = arguments.metadata
        result = _carried_out(state, number)
        if result is None:
            state.skip(number, "an earlier run is running", time.time())
            raise ResourceError(f"{plan.name}: an earlier run is running: see schedule history {plan.name}")
        reason = f": {printing.in_a_line(result.reason)}" if result.reason else ""
        printing.line(f"{plan.name}: {result.state}{reason}")
        return _exit_code(result)
    state.note(plan.name, paused=int(command == "pause"), considered=time.time())
    printing.line(f"{plan.name}: {'paused' if command == 'pause' else 'resumed'}")
    return 0


def _carried_out(state: "State", number: int) -> "Result | None":
    """Run a fire; SIGTERM stops it together with its run."""
    import signal

    from orchestration.schedule import fire

    def stop(*_: Any) -> None:
        raise fire.Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        return fire.carry_out(state, number)
    finally:
        signal.signal(signal.SIGTERM, before)
        state.close()


def _exit_code(result: "Result | None") -> int:
    return _EXITS.get(result.state, 0) if result is not None else 0


def _run_options(arguments: argparse.Namespace, *, everything: bool = True) -> tuple[str, ...]:
    """Return the options of each run; the store's URL is passed in the environment."""
    given: list[str] = []
    if arguments.data_root:
        folder = arguments.data_root
        given += ["--data-root", folder if "://" in folder else os.path.abspath(folder)]
    given += ["--beam", arguments.beam] if arguments.beam else []
    given += ["--no-cache"] if arguments.no_cache else []
    if everything:
        given += [part for override in arguments.overrides for part in ("--set", override)]
        given += ["--variant", arguments.variant] if arguments.variant else []
        given += ["--sample", str(arguments.sample)] if arguments.sample else []
    return tuple(given)


def _one_variant(arguments: argparse.Namespace) -> str | None:
    from pipeline.load import variants
    from pipeline.variants import ALL

    if arguments.variant != ALL:
        return str(arguments.variant) if arguments.variant else None
    return variants(project.folder(), arguments.pipeline)[0]


def _list(root: str, found: "Plans", *, as_values: bool) -> int:
    import sys
    import time
    from datetime import datetime, timezone

    from inspection.read.schedule_history import schedules
    from inspection.text_output import as_json, drawn, moment, table

    remembered = {row.name: row for row in schedules(root)}
    rows: list[list[Any]] = []
    values: list[dict[str, Any]] = []
    for plan in found.known:
        row = remembered.get(plan.name)
        paused = row is not None and row.paused
        upcoming = None if paused else next(plan.schedule.times().after(time.time()), None)
        due = "paused" if paused else moment(datetime.fromtimestamp(upcoming, timezone.utc)) if upcoming else ""
        last = row.last if row else None
        when = f"{last.state}, {moment(last.ended or last.due)}" if last else "never"
        values.append(
            {
                "schedule": plan.name,
                "times": plan.schedule.cron or plan.schedule.on,
                "timezone": plan.schedule.timezone,
                "paused": paused,
                "next": datetime.fromtimestamp(upcoming, timezone.utc) if upcoming else None,
                "last": last,
            }
        )
        rows.append([plan.name, plan.schedule.cron or plan.schedule.on, plan.schedule.timezone, due, when])
    none = "no schedules: add [[schedule]] to a config, see docs/reference/configuration/schedule.md\n"
    if as_values:
        printing.block(as_json({"schedules": values, "faults": list(found.faults.values())}))
        return UserError.exit_code if found.faults else 0
    printing.block(drawn(table(["SCHEDULE", "TIMES", "ZONE", "NEXT", "LAST"], rows)) if rows else none)
    notes = [f"{plan.name}: {note}" for plan in found.known for note in plan.schedule.times().notes]
    printing.line(*notes, to=sys.stderr)
    for reason in found.faults.values():
        printing.error(reason)
    return UserError.exit_code if found.faults else 0


def _next(plan: "Plan", count: int) -> int:
    import itertools
    import sys
    import time
    import zoneinfo
    from datetime import datetime

    zone, times = zoneinfo.ZoneInfo(plan.schedule.timezone), plan.schedule.times()
    for seconds in itertools.islice(times.after(time.time()), count):
        printing.line(datetime.fromtimestamp(seconds, zone).strftime("%a %Y-%m-%d %H:%M %Z"))
    printing.line(*times.notes, to=sys.stderr)
    return 0


def _history(root: str, arguments: argparse.Namespace) -> int:
    from inspection.read.schedule_history import history, schedules
    from inspection.text_output import as_json, drawn, moment, table

    names = [row.name for row in schedules(root)]
    wanted = arguments.name
    if wanted is not None and wanted not in names:
        fits = [name for name in names if name.partition(":")[2] == wanted]
        if len(fits) != 1:
            from pipeline.schema_columns import nearest

            raise UserError(f"no schedule {wanted!r} has run under {root} yet.{nearest(wanted, names, 'schedules')}")
        wanted = fits[0]
    found = history(root, schedule=wanted, limit=arguments.limit)
    if arguments.json:
        printing.block(as_json(found))
        return 0
    header = ["DUE", "SCHEDULE", "STATE", "ATTEMPTS", "RUN", "REASON"]
    rows = [
        [moment(fire.due), fire.schedule, fire.state, str(fire.attempts), fire.run_id or "", fire.reason]
        for fire in found
    ]
    printing.block(drawn(table(header, rows)) if rows else "no time has come yet\n")
    return 0
