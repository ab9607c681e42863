"""`predict`: predictions of a pushed model for the rows of files."""

import argparse
import sys
from typing import Any

from orchestration.cli import options


def add(commands: Any) -> None:
    """Add the command to the parser."""
    predict = commands.add_parser(
        "predict",
        help="predict the rows of a file with a pushed model: predict NAME FILE -o OUT.csv",
        description="Predict the rows of a file with a pushed model. The output has one row for each row of the file: "
        "its number, its id, its predictions, and an error where it has none. A killed command continues when it is "
        "started again.",
    )
    predict.add_argument("name", metavar="NAME", help="a pipeline, PIPELINE-VARIANT or PIPELINE-sample")
    predict.add_argument(
        "source",
        metavar="FILE",
        help="a file, folder or pattern in any format that ingestion reads, with or without the label; - for standard "
        "input, in the format of the config's data",
    )
    predict.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="OUT",
        help="a .csv, .parquet or .jsonl file, which is replaced when all rows are predicted; - for CSV on standard "
        "output (default: -)",
    )
    predict.add_argument("--version", type=int, metavar="V", help="a pushed version (default: the one that serves)")
    predict.add_argument(
        "--explain",
        action="store_true",
        help="also write the contribution of each column to a prediction: base_value, the mean prediction of the "
        "background rows, and contribution_COLUMN, which add up to the prediction, or to the probability of the "
        "predicted class",
    )
    options.add_store(predict, options.absent)
    predict.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict the rows, and print their number and the first errors to standard error."""
    import printing
    from orchestration import lazy_packages

    with lazy_packages.quiet():
        lazy_packages.load("orchestration.prediction.predict_file")
        from orchestration.prediction import predict_file

    outcome = predict_file.predict(
        arguments.root,
        arguments.name,
        arguments.source,
        arguments.output,
        arguments.version,
        explain=arguments.explain,
    )
    target = "" if arguments.output == predict_file.STREAM else f": {arguments.output}"
    printing.line(f"{outcome.rows:,} rows predicted by version {outcome.version}{target}", to=sys.stderr)
    if outcome.errors:
        printing.line(
            f"{outcome.errors:,} of them have an error instead of a prediction, among them:",
            *(f"  {text}" for text in outcome.named),
            to=sys.stderr,
        )
    return 0
