"""`doctor`: what a run would be refused for, and what this machine has."""

import argparse
from typing import Any

import printing
import project
from orchestration.cli import options


def add(commands: Any) -> None:
    """Its place among the commands."""
    doctor = commands.add_parser(
        "doctor", help="what a run would be refused for, and what this machine has: doctor, doctor NAME"
    )
    doctor.add_argument(
        "name", nargs="?", metavar="NAME", help="configs/NAME.toml (default: the machine, the root and the store alone)"
    )
    doctor.add_argument("--json", action="store_true", help="as JSON")
    options.add_run_options(doctor, options.absent)
    doctor.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Look, and tell all that was found; the exit code is that of a run that would be refused for it."""
    from inspection.text_output import as_json
    from orchestration import preflight
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
        )
        # What is of no variant is looked at once, and told once.
        engine = BEAM_ARGS
        known = [(check.name, _text(check)) for check in checks]
        checks += [check for check in report.checks if (check.name, _text(check)) not in known]
    facts = {"project": project.folder(), **installed.facts()}
    wrong = [check for check in checks if check.findings]
    code = exit_kind(wrong).exit_code if wrong else 0
    if arguments.json:
        told = [{"check": check.name, "ok": not check.findings, "text": _text(check)} for check in checks]
        printing.block(as_json({"code": code, "checks": told, "machine": facts}))
        return code
    lines = []
    for check in checks:
        for number, line in enumerate(_text(check).splitlines() or [""]):
            head = f"{check.name:<11} {'wrong' if check.findings else 'good':<6}" if not number else " " * 18
            lines.append(f"{head} {line}".rstrip())
    printing.line(*lines, *(f"{what:<18} {text}" for what, text in facts.items()))
    return code


def _names(arguments: argparse.Namespace) -> list[Any]:
    """The runs to look at: of a config with variants all of them, where none is named; or no run."""
    from pipeline import load
    from pipeline.variants import ALL

    if arguments.name is None:
        return [None]
    arguments.pipeline = arguments.name
    if arguments.variant is None and arguments.name in load.names(project.folder()):
        arguments.variant = ALL if load.variants(project.folder(), arguments.name) else None
    return list(options.names(arguments))


def _text(check: Any) -> str:
    return "\n".join(check.told()) if check.findings else check.text
