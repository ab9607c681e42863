"""The command line. Heavy imports come after the arguments are parsed, so that --help is fast."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

import printing
from errors import GateError, PipelineError, ResourceError
from orchestration.cli import compile_command, local_command, options
from orchestration.projects import project_selection

COMMANDS = {
    "init": "init_command",
    "inspect": "inspect_command",
    "new": "curate_command",
    "schema": "curate_command",
    "tune": "tune_command",
    "push": "model_commands.push_command",
    "predict": "model_commands.predict_command",
    "serve": "model_commands.serve_command",
    "export": "model_commands.export_command",
    "deploy": "model_commands.deploy_command",
    "schedule": "schedule_command",
    "drift": "model_commands.drift_command",
    "doctor": "doctor_command",
    "ui": "ui_command",
    "upload": "upload_command",
    "ci": "ci_command",
}
"""Command -> its module in this package, in the order of --help."""
DEFAULT_PIPELINE = "houses"

EPILOG = """\
exit codes: 0 pushed or compiled, 2 error in config, data, schema or user code, 3 blocked by a gate or not blessed,
4 a stage failed, 5 error of store, disk or engine
"""


class _Parser(argparse.ArgumentParser):
    """Parser that prints wrong arguments without control characters: the shell may expand a pattern to any name."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with code 2."""
        self.print_usage(sys.stderr)
        printing.error(message, f"{self.prog}: error")
        raise SystemExit(2)


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of all arguments.

    Args:
        command: The only command that the parser has to know, so that no module of another is imported; None for all.
    """
    root = _Parser(
        prog="runner.py",
        description="From a table and a small TOML file to a checked, trained, evaluated and pushed Keras model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = root.add_mutually_exclusive_group()
    target.add_argument("--local", action="store_true", help="run on this machine")
    root.add_argument(
        "--schedule",
        nargs="?",
        const="",
        metavar="CRON",
        help='with --local: run all schedules of the configs until stopped, or this pipeline at "0 3 * * *" (UTC); '
        "with --kubeflow or --vertex: create those of this pipeline's config, or one, on the platform",
    )
    target.add_argument("--kubeflow", action="store_true", help="compile for Kubeflow Pipelines")
    target.add_argument("--vertex", action="store_true", help="compile for Vertex AI")
    root.add_argument("--pipeline", metavar="NAME", help=f"configs/NAME.toml (default: {DEFAULT_PIPELINE})")
    options.add_run_options(root, lambda value: value)
    local_command.add(root)
    compile_command.add(root)
    commands = root.add_subparsers(dest="command", metavar="COMMAND")
    for module in dict.fromkeys(COMMANDS.values() if command is None else [COMMANDS[command]]):
        importlib.import_module(f"orchestration.cli.{module}").add(commands)
    return root


def main(argv: Sequence[str]) -> int:
    """Run the command that the arguments request.

    Returns:
        The exit code; see errors.py.
    """
    with printing.guarded():
        arguments = None
        try:
            arguments = parser(argv[0] if argv and argv[0] in COMMANDS else None).parse_args(_joined(argv))
            options.check_target(arguments)
            if arguments.pipeline is None and arguments.command != "inspect":  # there, None stands for all pipelines
                arguments.pipeline = DEFAULT_PIPELINE
            if arguments.command != "init":
                project_selection.choose(arguments.project)
                arguments.root = arguments.root or project_selection.runs_folder()
            return _dispatch(arguments)
        except PipelineError as error:
            if arguments is not None and arguments.verbose:
                import traceback

                traceback.print_exc()
            printing.error(str(error), "refused" if isinstance(error, GateError) else "error")
            return error.exit_code
        except PermissionError as error:
            from inspection.store import file_rights

            printing.error(file_rights.refusal(str(error.filename or ".")), "error")
            return ResourceError.exit_code
        except KeyboardInterrupt:
            printing.line("stopped", to=sys.stderr)
            return 130


def _joined(argv: Sequence[str]) -> list[str]:
    """Rewrite `--beam ARGS` as `--beam=ARGS`: argparse reads a value that starts with a hyphen as an option."""
    joined: list[str] = []
    for text in argv:
        if joined and joined[-1] == "--beam":
            joined[-1] = f"--beam={text}"
        else:
            joined.append(text)
    return joined


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command is not None:
        code: int = arguments.do(arguments)
        return code
    if arguments.kubeflow or arguments.vertex:
        return compile_command.run(arguments)
    if arguments.local and arguments.schedule is not None:
        from orchestration.cli import schedule_command

        return schedule_command.serve(arguments)
    if arguments.local:
        return local_command.run(arguments)
    parser().print_help()
    return 0
