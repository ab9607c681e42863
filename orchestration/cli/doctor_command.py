"""`doctor`: checks of a pipeline before a run, and facts on this machine."""

import argparse
from typing import Any

import printing
import project
from orchestration.cli import options


def add(commands: Any) -> None:
    """Add the command to the parser."""
    doctor = commands.add_parser(
        "doctor", help="check config, schema, data, gates, code, store and disk before a run: doctor, doctor NAME"
    )
    doctor.add_argument(
        "name", nargs="?", metavar="NAME", help="configs/NAME.toml (default: only the machine, the root and the store)"
    )
    doctor.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options.add_run_options(doctor, options.absent)
    doctor.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the checks and print the findings; the exit code is that of a run with the same findings."""
    from inspection.text_output import as_json
    from orchestration import preflight
    from orchestration.local.warm import warm_process
    from orchestration.preflight import installed
    from orchestration.preflight.preflight_findings import exit_kind
    from pipeline.beam_arguments import BEAM_ARGS

    checks: list[Any] = []
    engine = options.beam(arguments)
    for name in _names(arguments):
        report = preflight.look(
            name,
            options.overrides(arguments),
            root=arguments.root,
            data_root=arguments.data_root,
            metadata=arguments.metadata,
            beam_args=engine,
            rows="all",
        )
        # Checks that do not depend on the variant are printed once.
        engine = BEAM_ARGS
        listed_checks = [(check.name, _text(check)) for check in checks]
        checks += [check for check in report.checks if (check.name, _text(check)) not in listed_checks]
    facts = {"project": project.folder(), **installed.facts(), "warm processes": warm_process.shown()}
    failed = [check for check in checks if check.findings]
    code = exit_kind(failed).exit_code if failed else 0
    if arguments.json:
        results = [{"check": check.name, "ok": not check.findings, "text": _text(check)} for check in checks]
        printing.block(as_json({"code": code, "checks": results, "machine": facts}))
        return code
    lines = []
    for check in checks:
        for number, line in enumerate(_text(check).splitlines() or [""]):
            head = f"{check.name:<11} {'wrong' if check.findings else 'good':<6}" if not number else " " * 18
            lines.append(f"{head} {line}".rstrip())
    printing.line(*lines, *(f"{fact:<18} {text}" for fact, text in facts.items()))
    return code


def _names(arguments: argparse.Namespace) -> list[Any]:
    """Return the runs to check: the named one, all variants of a config, or none."""
    from pipeline import load
    from pipeline.variants import ALL

    if arguments.name is None:
        return [None]
    arguments.pipeline = arguments.name
    if arguments.variant is None and arguments.name in load.names(project.folder()):
        arguments.variant = ALL if load.variants(project.folder(), arguments.name) else None
    return list(options.names(arguments))


def _text(check: Any) -> str:
    return "\n".join(check.lines()) if check.findings else check.text
