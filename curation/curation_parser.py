"""The commands `new` and `schema`. Nothing heavy is imported before they run."""

import argparse
import json
import os
from collections.abc import Callable

import printing
import project

_NAME_HELP = "a pipeline: configs/NAME.toml"
DIFFERENT = 3
"""Exit code of `schema diff` where there are differences."""


def add_arguments(new: argparse.ArgumentParser, schema: argparse.ArgumentParser) -> None:
    """Say what the commands take."""
    new.add_argument("name", metavar="NAME", help="writes configs/NAME.toml and schemas/NAME.pbtxt")
    new.add_argument(
        "path", metavar="PATH", nargs="?", help="a file, a pattern of files in quotes, or a folder of images"
    )
    new.add_argument("--sql", metavar="SELECT", help="instead of PATH: the rows that this query gives")
    new.add_argument(
        "--database",
        metavar="URL",
        help="where --sql is asked: sqlite:///FILE or postgresql://HOST/DATABASE, with PGUSER and PGPASSWORD",
    )
    new.add_argument("--label", metavar="COLUMN", help="what to predict (default: guessed from names)")
    new.add_argument("--force", action="store_true", help="replace config and schema; the old ones stay as .previous")
    where = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    where.add_argument("--project", metavar="DIR", help=project.HELP)
    new.add_argument("--project", metavar="DIR", default=argparse.SUPPRESS, help=project.HELP)
    steps = schema.add_subparsers(dest="step", metavar="STEP", required=True)
    infer = steps.add_parser(
        "infer", parents=[where], help="propose a schema from the data: schemas/NAME.proposed.pbtxt"
    )
    infer.add_argument("name", metavar="NAME", help=_NAME_HELP)
    infer.add_argument("--print", action="store_true", dest="show", help="print it instead")
    diff = None
    for step, text in (
        ("diff", "how the data differs from the approved schema; exit code 3 where it does"),
        ("approve", "take schemas/NAME.proposed.pbtxt over"),
    ):
        parser = steps.add_parser(step, parents=[where], help=text)
        parser.add_argument("name", metavar="NAME", help=_NAME_HELP)
        diff = parser if step == "diff" else diff
    if diff is not None:
        diff.add_argument("--json", action="store_true", help="print JSON instead of lines")


def run_new(arguments: argparse.Namespace, root: str, check: Callable[[str], list[str]], queries: str) -> int:
    """Write config and schema and see that they can run.

    Args:
        arguments: Parsed.
        root: The project folder.
        check: Runs the checks that come before a run, for a pipeline by name; returns what of the data is skipped, left
            out or converted, a sentence each.
        queries: Folder where the rows of a query are kept.

    Raises:
        UserError: neither PATH nor a query is given, or both.
    """
    from curation import new_config
    from curation.look import query_result

    source = query_result.source(arguments.path, arguments.sql, arguments.database, root, queries)
    proposal = new_config.new(root, arguments.name, source, label=arguments.label, force=arguments.force)
    printing.line(*proposal.said)
    printing.line(f"wrote configs/{arguments.name}.toml and schemas/{arguments.name}.pbtxt")
    printing.line(*check(arguments.name))
    printing.line(f"checks passed; look at the config, then: python runner.py --local --pipeline {arguments.name}")
    return 0


def run_schema(arguments: argparse.Namespace, root: str, data_root: str, queries: str) -> int:
    """Infer, compare or approve a schema.

    Args:
        arguments: Parsed.
        root: The project folder.
        data_root: Folder that data paths are relative to.
        queries: Folder where the rows of a query are kept.
    """
    from components.ingestion.omissions import Omissions
    from curation import schema_review

    if arguments.step == "approve":
        printing.line(schema_review.approve(root, arguments.name))
        return 0
    if arguments.step == "infer":
        if arguments.show:
            printing.block(schema_review.infer(root, arguments.name, data_root, queries))
            return 0
        path = os.path.relpath(schema_review.propose(root, arguments.name, data_root, queries), root)
        printing.line(f"wrote {path}; look at it, then: python runner.py schema approve {arguments.name}")
        return 0
    passed_over = Omissions()
    found = schema_review.diff(root, arguments.name, data_root, passed_over, queries)
    if arguments.json:
        differences = [{"column": one.column, "rank": one.rank, "text": one.text} for one in found]
        shown = {"differences": differences, "omissions": passed_over.lines()}
        printing.block(json.dumps(shown, indent=2) + "\n")
        return DIFFERENT if found else 0
    printing.line(*(f"data     {line}" for line in passed_over.lines()))
    printing.line(*map(str, found) if found else [f"the data is as schemas/{arguments.name}.pbtxt says"])
    return DIFFERENT if found else 0
