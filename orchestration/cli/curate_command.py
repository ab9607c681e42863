"""`new` and `schema`: a config and a schema for new data; the package curation implements them."""

import argparse
import os
from typing import Any

import project
from components.ingestion.omissions import Omissions
from curation import curation_parser
from errors import UserError
from orchestration.cli import options


def add(commands: Any) -> None:
    """Add the commands to the parser."""
    new_parser = commands.add_parser("new", help="propose a config and a schema for data: new NAME PATH")
    schema_parser = commands.add_parser("schema", help="schema infer NAME, schema diff NAME, schema approve NAME")
    curation_parser.add_arguments(
        new_parser, schema_parser, lambda parser: options.add_run_options(parser, options.absent)
    )
    for parser in (new_parser, schema_parser):
        parser.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from orchestration.paths import Root

    folder = project.folder()
    data_root = arguments.data_root or folder
    queries = Root(os.path.abspath(arguments.root)).queries(arguments.name)
    if arguments.command == "schema":
        from curation import schema_review

        choice = schema_review.Choice(
            root=folder,
            name=arguments.name,
            data_root=os.path.abspath(data_root) if "://" not in data_root else data_root,
            queries=queries,
            variant=_variant(arguments),
            overrides=tuple(options.overrides(arguments)),
        )
        return curation_parser.run_schema(arguments, choice)

    def check(name: str, of_all_rows: Omissions) -> list[str]:
        from components.ingestion.discovery import data_files
        from orchestration import preflight
        from pipeline import load, query_config
        from pipeline.variants import Name

        reviewed = load.reviewed(folder, Name(name))
        data, label = query_config.settle(reviewed.config, folder, queries)[0].data, reviewed.config.label.column
        paths = data_files.under(folder, data.paths)
        config_path, omissions = f"{load.CONFIGS}/{name}.toml", Omissions()
        preflight.check_data(
            paths, data, config=config_path, columns=reviewed.columns, label=label, omissions=omissions
        )
        omissions.extend(of_all_rows)
        return omissions.lines()

    return curation_parser.run_new(arguments, folder, check, queries)


def _variant(arguments: argparse.Namespace) -> str | None:
    """Return the requested variant, which must be a single one; None for none."""
    from pipeline.variants import ALL

    if arguments.variant == ALL:
        raise UserError(f"--variant {ALL}: a schema belongs to one config: name one variant, or leave the option out")
    variant: str | None = arguments.variant
    return variant
