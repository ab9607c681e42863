"""`schedule` and --local --schedule: scheduled runs on this machine, and commands on schedules."""

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
    # These options may precede the command: if absent here, they keep the value before it.
    common_options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_project(common_options, options.absent)
    common_options.add_argument("--root", metavar="DIR", help=project.ROOT_HELP)
    platform = common_options.add_argument_group("schedules of a platform")
    for target, title in (("kubeflow", "Kubeflow Pipelines"), ("vertex", "Vertex AI")):
        platform.add_argument(f"--{target}", action="store_true", help=f"the schedules of {title}")
    cloud_command.add_access(platform, options.absent)
    subcommands = schedule.add_subparsers(dest="schedule_command", metavar="COMMAND", required=True)

    def add_one(name: str, description: str, *, required: bool = True) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = subcommands.add_parser(name, parents=[common_options], help=description)
        parser.add_argument(
            "name", metavar="NAME", nargs=None if required else "?", help="PIPELINE:NAME, or NAME alone"
        )
        return parser

    list_parser = subcommands.add_parser(
        "list", parents=[common_options], help="list all schedules with their next time and the end of their last run"
    )
    list_parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    next_parser = add_one("next", "list the next times of a schedule")
    next_parser.add_argument(
        "-n", dest="count", type=options.rows, default=5, metavar="N", help="number of times (default: 5)"
    )
    next_parser.add_argument("--json", action="store_true", help="print JSON, with times in UTC, instead of lines")
    add_one("pause", "skip the times of a schedule until it is resumed")
    add_one("resume", "resume a paused schedule at its next time")
    add_one("delete", "delete a schedule of a platform; its runs stay")
    add_one("run-now", "run a schedule now and wait for its end")
    history_parser = add_one("history", "list past times and their runs, newest first", required=False)
    history_parser.add_argument(
        "--limit", type=options.rows, default=50, metavar="N", help="number of lines (default: 50)"
    )
    history_parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_one("serve", "run one schedule or all until stopped", required=False)
    add_one("systemd", "print a systemd unit that runs a schedule")
    add_one("crontab", "print a crontab line that runs a schedule")
    subcommands.add_parser("fire", parents=[common_options]).add_argument("name", help=argparse.SUPPRESS)


def serve(arguments: argparse.Namespace) -> int:
    """Run all schedules, or the schedule of the command line, until stopped."""
    from orchestration.schedule import channels, plans, service
    from pipeline.load import load
    from spec.timing.schedule import Schedule

    root, run_options = os.path.abspath(arguments.root), _run_options(arguments)
    if not arguments.schedule:
        if run_options != _run_options(arguments, everything=False):
            raise UserError(
                "--set, --variant and --sample change the runs of one pipeline: add its times, such as --schedule "
                '"0 3 * * *", or write them into its config'
            )
        return service.serve(root, lambda: plans.all_plans(arguments=run_options), arguments.metadata)
    try:
        schedule = Schedule(name=plans.COMMAND_LINE, cron=arguments.schedule)
    except ValueError as error:
        reason = str(error).partition("Value error, ")[2].partition(" [type=")[0]
        raise UserError(f"--schedule: {reason or error}") from error

    config = load(project.folder(), arguments.pipeline, options.overrides(arguments), _one_variant(arguments))
    channels.check(config.notify.channels)
    plan = plans.Plan(arguments.pipeline, schedule, config.notify, run_options)
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
        return _exit_code(_execute_fire(state, int(arguments.name)))
    if command == "history":
        return _history(root, arguments)
    all_plans = plans.all_plans(arguments=_run_options(arguments, everything=False))
    if command == "list":
        return _list(root, all_plans, as_values=arguments.json)
    if command == "serve":
        only = None if arguments.name is None else plans.find(all_plans, arguments.name)

        def read() -> "Plans":
            current = plans.all_plans(arguments=_run_options(arguments, everything=False))
            return current if only is None else current.only(only)

        return service.serve(root, read, arguments.metadata)
    plan = plans.find(all_plans, arguments.name)
    if command == "next":
        return _next(plan, arguments.count, as_values=arguments.json)
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
        result = _execute_fire(state, number)
        if result is None:
            state.skip(number, "an earlier run is running", time.time())
            raise ResourceError(f"{plan.name}: an earlier run is running: see schedule history {plan.name}")
        reason = f": {printing.in_a_line(result.reason)}" if result.reason else ""
        printing.line(f"{plan.name}: {result.state}{reason}")
        return _exit_code(result)
    state.note(plan.name, paused=int(command == "pause"), considered=time.time())
    printing.line(f"{plan.name}: {'paused' if command == 'pause' else 'resumed'}")
    return 0


def _execute_fire(state: "State", number: int) -> "Result | None":
    """Execute a fire; SIGTERM stops it and its run."""
    import signal

    from orchestration.schedule import fire

    def stop(*_: Any) -> None:
        raise fire.Stopped

    earlier_handler = signal.signal(signal.SIGTERM, stop)
    try:
        return fire.carry_out(state, number)
    finally:
        signal.signal(signal.SIGTERM, earlier_handler)
        state.close()


def _exit_code(result: "Result | None") -> int:
    return (result.code or _EXITS.get(result.state, 0)) if result is not None else 0


def _run_options(arguments: argparse.Namespace, *, everything: bool = True) -> tuple[str, ...]:
    """Return the options of each run; the store's URL is passed in the environment."""
    run_options: list[str] = []
    if arguments.data_root:
        folder = arguments.data_root
        run_options += ["--data-root", folder if "://" in folder else os.path.abspath(folder)]
    run_options += ["--beam", arguments.beam] if arguments.beam else []
    run_options += ["--no-cache"] if arguments.no_cache else []
    if everything:
        run_options += [part for override in arguments.overrides for part in ("--set", override)]
        run_options += ["--variant", arguments.variant] if arguments.variant else []
        run_options += ["--sample", str(arguments.sample)] if arguments.sample else []
    return tuple(run_options)


def _one_variant(arguments: argparse.Namespace) -> str | None:
    from pipeline.load import variants
    from pipeline.variants import ALL

    if arguments.variant != ALL:
        return str(arguments.variant) if arguments.variant else None
    return variants(project.folder(), arguments.pipeline)[0]


def _list(root: str, all_plans: "Plans", *, as_values: bool) -> int:
    import sys
    import time
    from datetime import datetime, timezone

    from inspection.read.schedule_history import schedules
    from inspection.text_output import as_json, drawn, moment, table

    remembered = {row.name: row for row in schedules(root)}
    rows: list[list[Any]] = []
    values: list[dict[str, Any]] = []
    for plan in all_plans.known:
        row = remembered.get(plan.name)
        paused = row is not None and row.paused
        upcoming = None if paused else next(plan.schedule.times().after(time.time()), None)
        due = "paused" if paused else moment(datetime.fromtimestamp(upcoming, timezone.utc)) if upcoming else ""
        last_fire = row.last if row else None
        last_end = f"{last_fire.state}, {moment(last_fire.ended or last_fire.due)}" if last_fire else "never"
        values.append(
            {
                "schedule": plan.name,
                "times": plan.schedule.cron or plan.schedule.on,
                "timezone": plan.schedule.timezone,
                "paused": paused,
                "next": datetime.fromtimestamp(upcoming, timezone.utc) if upcoming else None,
                "last": last_fire,
            }
        )
        rows.append([plan.name, plan.schedule.cron or plan.schedule.on, plan.schedule.timezone, due, last_end])
    no_schedules = "no schedules: add [[schedule]] to a config, see docs/reference/configuration/schedule.md\n"
    if as_values:
        printing.block(as_json({"schedules": values, "faults": list(all_plans.faults.values())}))
        return UserError.exit_code if all_plans.faults else 0
    printing.block(drawn(table(["SCHEDULE", "TIMES", "ZONE", "NEXT", "LAST"], rows)) if rows else no_schedules)
    notes = [f"{plan.name}: {note}" for plan in all_plans.known for note in plan.schedule.times().notes]
    printing.line(*notes, to=sys.stderr)
    for reason in all_plans.faults.values():
        printing.error(reason)
    return UserError.exit_code if all_plans.faults else 0


def _next(plan: "Plan", count: int, *, as_values: bool) -> int:
    import itertools
    import sys
    import time
    import zoneinfo
    from datetime import datetime, timezone

    from inspection.text_output import as_json

    zone, times = zoneinfo.ZoneInfo(plan.schedule.timezone), plan.schedule.times()
    upcoming = list(itertools.islice(times.after(time.time()), count))
    if as_values:
        moments = [datetime.fromtimestamp(seconds, timezone.utc) for seconds in upcoming]
        printing.block(as_json({"schedule": plan.name, "timezone": plan.schedule.timezone, "next": moments}))
    else:
        printing.line(*(datetime.fromtimestamp(seconds, zone).strftime("%a %Y-%m-%d %H:%M %Z") for seconds in upcoming))
    printing.line(*times.notes, to=sys.stderr)
    return 0


def _history(root: str, arguments: argparse.Namespace) -> int:
    from inspection.read.schedule_history import history, schedules
    from inspection.text_output import as_json, drawn, moment, table

    names = [row.name for row in schedules(root)]
    schedule_name = arguments.name
    if schedule_name is not None and schedule_name not in names:
        matches = [name for name in names if name.partition(":")[2] == schedule_name]
        if len(matches) != 1:
            from pipeline.schema_columns import nearest

            raise UserError(
                f"no schedule {schedule_name!r} has run under {root} yet.{nearest(schedule_name, names, 'schedules')}"
            )
        schedule_name = matches[0]
    fires = history(root, schedule=schedule_name, limit=arguments.limit)
    if arguments.json:
        printing.block(as_json(fires))
        return 0
    header = ["DUE", "SCHEDULE", "STATE", "ATTEMPTS", "RUN", "REASON"]
    rows = [
        [moment(fire.due), fire.schedule, fire.state, str(fire.attempts), fire.run_id or "", fire.reason]
        for fire in fires
    ]
    printing.block(drawn(table(header, rows)) if rows else "no time has come yet\n")
    return 0
