"""The commands `new` and `schema`. Nothing heavy is imported before they run."""

import argparse
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import printing
import project
from errors import UserError

if TYPE_CHECKING:
    from components.ingestion.omissions import Omissions
    from curation import schema_review

_NAME_HELP = "a pipeline: configs/NAME.toml"
Check = Callable[[str, "Omissions"], list[str]]
DIFFERENT = 3
"""Exit code of `schema diff` if there are differences."""


def add_arguments(
    new: argparse.ArgumentParser,
    schema: argparse.ArgumentParser,
    add_options: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Declare the arguments of both commands.

    Args:
        new: Parser of `new`.
        schema: Parser of `schema`.
        add_options: Adds the options of a run to a parser.
    """
    new.add_argument("name", metavar="NAME", help="writes configs/NAME.toml and schemas/NAME.pbtxt")
    new.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        help="data: a file, a quoted pattern of files, a folder of images, or one of these as s3://BUCKET/NAME or "
        "gs://BUCKET/NAME",
    )
    new.add_argument("--sql", metavar="SELECT", help="instead of PATH: the rows that this query returns")
    new.add_argument(
        "--database",
        metavar="URL",
        help="database of --sql: sqlite:///FILE or postgresql://HOST/DATABASE, with PGUSER and PGPASSWORD",
    )
    new.add_argument("--label", metavar="COLUMN", help="column to predict (default: guessed from column names)")
    new.add_argument(
        "--force", action="store_true", help="replace config and schema; the old files are kept as .previous"
    )
    new.add_argument("--project", metavar="DIR", default=argparse.SUPPRESS, help=project.HELP)
    steps = schema.add_subparsers(dest="step", metavar="STEP", required=True)
    for step, text in (
        ("infer", "propose a schema from the data: schemas/NAME.proposed.pbtxt"),
        ("diff", "show how the data differs from the approved schema; exit code 3 if it does"),
        ("approve", "make schemas/NAME.proposed.pbtxt the approved schema"),
    ):
        parser = steps.add_parser(step, help=text)
        parser.add_argument("name", metavar="NAME", help=_NAME_HELP)
        if step == "infer":
            parser.add_argument(
                "--print", action="store_true", dest="show", help="print the schema instead of writing a file"
            )
        if step == "diff":
            parser.add_argument("--json", action="store_true", help="print JSON instead of text")
        add_options(parser)


def run_new(arguments: argparse.Namespace, root: str, check: Check, queries: str) -> int:
    """Write config and schema, and check that they can run.

    Args:
        arguments: The parsed arguments.
        root: The project folder.
        check: Runs preflight for a pipeline by name; returns one sentence per kind of data that is skipped, dropped or
            converted, with those of the given rows, which preflight may not read to the end.
        queries: Folder for the rows of a query.

    Raises:
        UserError: neither PATH nor a query is given, or both.
    """
    from curation import new_config
    from curation.look import query_result

    source = query_result.source(arguments.path, arguments.sql, arguments.database, root, queries)
    proposal = new_config.new(root, arguments.name, source, label=arguments.label, force=arguments.force)
    printing.line(*proposal.findings)
    printing.line(f"wrote configs/{arguments.name}.toml and schemas/{arguments.name}.pbtxt")
    try:
        printing.line(*check(arguments.name, proposal.loaded.omissions))
    except UserError as error:
        # Most edits are in the config, so it stays.
        name = arguments.name
        raise type(error)(
            f"{error}; configs/{name}.toml and schemas/{name}.pbtxt stay: edit them and run `python runner.py doctor "
            f"{name}`, or change the data and repeat `new` with --force"
        ) from error
    printing.line(f"checks passed; review the config, then: python runner.py --local --pipeline {arguments.name}")
    return 0


def run_schema(arguments: argparse.Namespace, choice: "schema_review.Choice") -> int:
    """Infer, compare or approve a schema.

    Args:
        arguments: The parsed arguments.
        choice: Config and paths of a run with the same options.
    """
    from components.ingestion.omissions import Omissions
    from curation import schema_review

    if arguments.step == "approve":
        printing.line(schema_review.approve(choice))
        return 0
    if arguments.step == "infer":
        if arguments.show:
            printing.block(schema_review.infer(choice).text)
            return 0
        target, marks = schema_review.propose(choice)
        path = os.path.relpath(target, choice.root)
        printing.line(*marks, f"wrote {path}; review it, then: python runner.py schema approve {arguments.name}")
        return 0
    omissions = Omissions()
    differences = schema_review.diff(choice, omissions)
    if arguments.json:
        rows = [
            {"column": difference.column, "rank": difference.rank, "text": difference.text}
            for difference in differences
        ]
        printing.block(json.dumps({"differences": rows, "omissions": omissions.lines()}, indent=2) + "\n")
        return DIFFERENT if differences else 0
    printing.line(*(f"data     {line}" for line in omissions.lines()))
    printing.line(*map(str, differences) if differences else [f"the data matches schemas/{choice.stem}.pbtxt"])
    return DIFFERENT if differences else 0
