"""`push`: what serves, and going back to an earlier version."""

import argparse
import os
from typing import Any

from orchestration.cli import options


def add(commands: Any) -> None:
    """Its place among the commands."""
    push = commands.add_parser(
        "push",
        help="list the versions that were pushed, or go back to one: push --rollback NAME, push --version V NAME",
    )
    push.add_argument("name", metavar="NAME", help="a pipeline, PIPELINE-VARIANT or PIPELINE-sample")
    which = push.add_mutually_exclusive_group()
    which.add_argument("--rollback", action="store_true", help="let the version serve that served before")
    which.add_argument("--version", type=int, metavar="V", help="let this version serve")
    push.add_argument("--json", action="store_true", help="print JSON instead of lines")
    options.add_store(push, options.absent)
    push.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """List, or bring a version back."""
    import printing
    from orchestration import rollback

    root = os.path.abspath(arguments.root)
    said: list[str] = []
    if arguments.rollback or arguments.version is not None:
        said = [rollback.bring_back(root, arguments.name, metadata=arguments.metadata, number=arguments.version)]
    if arguments.json:
        from inspection.text_output import as_json

        printing.block(as_json({"said": said, "versions": rollback.known(root, arguments.name)}))
    else:
        printing.line(*(said or rollback.listed(root, arguments.name)))
    return 0
