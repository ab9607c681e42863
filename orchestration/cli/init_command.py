"""`init`: creation of a project folder."""

import argparse
from typing import Any

import printing
import project


def add(commands: Any) -> None:
    """Add the command to the parser."""
    init = commands.add_parser(
        "init", help="make a project folder for your own configs, schemas, data and modules: init DIR"
    )
    init.add_argument("folder", metavar="DIR", help="the folder; it may hold files that init does not write")
    init.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the folder, and print its files."""
    import os
    import shlex

    from orchestration.projects import project_creation

    created = project_creation.create(arguments.folder)
    printing.line(f"wrote into {created.folder}:", *(f"  {path}" for path in created.paths))
    runner = shlex.quote(os.path.join(project.REPOSITORY, "runner.py"))
    printing.line(f"next: cd {shlex.quote(created.folder)}", f"      python {runner} new NAME PATH --label COLUMN")
    return 0
