"""`push`: list of the pushed versions, and rollback to one of them."""

import argparse
import os
from typing import Any

from orchestration.cli import options
from spec.rows.data_paths import is_remote


def add(commands: Any) -> None:
    """Add the command to the parser."""
    push = commands.add_parser(
        "push",
        help="list the pushed versions, or serve an earlier one: push --rollback NAME, push --version V NAME",
    )
    push.add_argument("name", metavar="NAME", help="a pipeline, PIPELINE-VARIANT or PIPELINE-sample")
    version_group = push.add_mutually_exclusive_group()
    version_group.add_argument("--rollback", action="store_true", help="serve the previous version again")
    version_group.add_argument("--version", type=int, metavar="V", help="serve this version again")
    push.add_argument("--json", action="store_true", help="print JSON instead of lines")
    options.add_store(push, options.absent)
    push.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """List the versions, or serve one again."""
    import printing
    from orchestration import rollback

    root = arguments.root.rstrip("/") if is_remote(arguments.root) else os.path.abspath(arguments.root)
    messages: list[str] = []
    if arguments.rollback or arguments.version is not None:
        messages = [rollback.bring_back(root, arguments.name, metadata=arguments.metadata, number=arguments.version)]
    if arguments.json:
        from inspection.text_output import as_json

        printing.block(as_json({"said": messages, "versions": rollback.describe(root, arguments.name)}))
    else:
        printing.line(*(messages or rollback.version_lines(root, arguments.name)))
    return 0
