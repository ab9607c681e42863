"""`upload`: copy the data of a pipeline to a bucket."""

import argparse
from typing import Any

from errors import UserError
from orchestration.cli import options
from pipeline.variants import Name


def add(commands: Any) -> None:
    """Add the command to the parser."""
    upload = commands.add_parser(
        "upload",
        help="copy the data of a pipeline to a bucket, for cloud jobs: upload NAME --data-root gs://BUCKET/FOLDER",
        description="Copies the files that a run would read now, with their SHA-256. Equal files are skipped; "
        "nothing is removed; an object that something else writes at the same time is an error.",
    )
    upload.add_argument("name", metavar="NAME", help="the pipeline: configs/NAME.toml")
    upload.add_argument(
        "--data-root", default=argparse.SUPPRESS, metavar="URI", help="gs://BUCKET/FOLDER, s3:// or minio://"
    )
    upload.add_argument("--variant", default=argparse.SUPPRESS, metavar="NAME", help="data of [variant.NAME]")
    upload.add_argument(
        "--set", action="append", default=argparse.SUPPRESS, metavar="KEY=VALUE", dest="overrides",
        help="override a config key, such as data.path",
    )  # fmt: skip
    options.add_project(upload, options.absent)
    upload.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Copy the files."""
    from orchestration.cloud.data import upload

    if not arguments.data_root:
        raise UserError("upload needs --data-root, the bucket and folder for the data: --data-root gs://BUCKET/FOLDER")
    return upload.run(Name(arguments.name, arguments.variant), tuple(arguments.overrides), arguments.data_root)
