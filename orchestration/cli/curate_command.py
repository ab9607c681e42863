"""`new` and `schema`: a config and a schema for new data; what they do is in curation/."""

import argparse
import os
from typing import Any

import project
from curation import curation_parser


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    new = commands.add_parser("new", help="propose a config and a schema for data: new NAME PATH")
    schema = commands.add_parser("schema", help="schema infer NAME, schema diff NAME, schema approve NAME")
    curation_parser.add_arguments(new, schema)
    for parser in (new, schema):
        parser.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from orchestration.paths import Root

    folder = project.folder()
    data_root = arguments.data_root or folder
    queries = Root(os.path.abspath(arguments.root)).queries(arguments.name)
    if arguments.command == "schema":
        return curation_parser.run_schema(arguments, folder, data_root, queries)

    def check(name: str) -> list[str]:
        from components.ingestion.discovery import data_files
        from components.ingestion.omissions import Omissions
        from orchestration import preflight
        from pipeline import load, query_config
        from pipeline.variants import Name

        reviewed = load.reviewed(folder, Name(name))
        data, label = query_config.settle(reviewed.config, folder, queries)[0].data, reviewed.config.label.column
        paths = data_files.under(folder, data.paths)
        shown, omissions = f"{load.CONFIGS}/{name}.toml", Omissions()
        preflight.check_data(paths, data, config=shown, columns=reviewed.columns, label=label, omissions=omissions)
        return omissions.lines()

    return curation_parser.run_new(arguments, folder, check, queries)
