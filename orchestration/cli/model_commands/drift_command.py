"""`drift`: comparison of served rows with the training rows of the model that served them."""

import argparse
import os
from typing import Any

from orchestration.cli import options


def add(commands: Any) -> None:
    """Add the command to the parser."""
    drift = commands.add_parser(
        "drift",
        help="compare served rows with the training rows: drift NAME --log DIR, drift NAME FILE",
        description="Compare served rows with the training rows of the version that serves, by the limits of [gates]; "
        "or with --labels their predictions with labels that are known now, by the metrics of [evaluation]. The exit "
        "code is 3 if a limit or a floor is exceeded, which is printed.",
    )
    drift.add_argument("name", metavar="NAME", help="a pipeline, PIPELINE-VARIANT or PIPELINE-sample")
    rows_group = drift.add_mutually_exclusive_group(required=True)
    rows_group.add_argument(
        "source", nargs="?", metavar="FILE", help="a file, folder or pattern in any format that ingestion reads"
    )
    rows_group.add_argument("--log", metavar="DIR", help="the folder that serve --log writes")
    drift.add_argument(
        "--labels",
        metavar="FILE",
        help="a file, folder or pattern with ids and labels, to measure the predictions of --log; clients send the ids",
    )
    drift.add_argument("--id", metavar="COLUMN", help="column of the ids in --labels (default: [columns] id)")
    drift.add_argument("--version", type=int, metavar="V", help="a pushed version (default: the one that serves)")
    drift.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options.add_store(drift, options.absent)
    drift.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare the rows and print a table; the exit code is that of a gate if a limit is exceeded."""
    from errors import UserError

    if arguments.labels is not None:
        if arguments.log is None:
            raise UserError("--labels measures the predictions of the server's log: name it with --log DIR, not FILE")
        return _live(arguments)
    if arguments.id is not None:
        raise UserError("--id names the column of the ids in --labels FILE: add --labels, or remove --id")
    return _compared(arguments)


def _live(arguments: argparse.Namespace) -> int:
    """Print metrics of served predictions."""
    import printing
    from orchestration import lazy_packages

    with lazy_packages.quiet():
        from orchestration import live_metrics, live_table

        live = live_metrics.measure(
            arguments.root,
            arguments.name,
            os.path.join(arguments.log, arguments.name, "rows-*.parquet"),
            arguments.labels,
            metadata=arguments.metadata,
            version=arguments.version,
            id_column=arguments.id,
        )
    code, text = live_table.shown(live, json=arguments.json)
    printing.block(text)
    return code


def _compared(arguments: argparse.Namespace) -> int:
    """Print distances of served rows."""
    import printing
    from errors import GateError
    from inspection.text_output import as_json, drawn, number, table
    from orchestration import served_drift

    source = arguments.source or os.path.join(arguments.log, arguments.name, "rows-*.parquet")
    drift = served_drift.compare(
        arguments.root, arguments.name, source, metadata=arguments.metadata, version=arguments.version
    )
    code = GateError.exit_code if drift.blocking else 0
    if arguments.json:
        content = {
            "code": code,
            "version": drift.version,
            "served_rows": drift.rows,
            "training_rows": drift.trained,
            "files": drift.files,
            "files_left_out": drift.left_out,
            "columns": [
                {
                    "column": distance.column,
                    "measure": distance.measure,
                    "measured": distance.measured,
                    "limit": distance.limit,
                    "ok": distance.measured <= distance.limit,
                }
                for distance in drift.distances
            ],
            "absent": list(drift.absent),
            "findings": [finding.plain() for finding in drift.findings],
        }
        printing.block(as_json(content))
        return code
    rows = [
        (
            distance.column,
            distance.measure,
            number(distance.measured),
            number(distance.limit),
            "" if distance.measured <= distance.limit else "above",
        )
        for distance in sorted(drift.distances, key=lambda distance: distance.limit - distance.measured)
    ]
    notes = [f"{drift.rows:,} served rows, {drift.trained:,} training rows of version {drift.version}"]
    if drift.left_out:
        notes.append(f"{drift.left_out:,} earlier file(s) were not read")
    if drift.absent:
        notes.append(f"not in the served rows: {', '.join(drift.absent)}")
    lines = [f"{'warning' if finding.action == 'warn' else 'drift'}: {finding.line()}" for finding in drift.findings]
    verdict = "" if lines else "no column differs by more than its limit"
    printing.block(drawn(notes, table(("column", "measure", "measured", "limit", ""), rows), lines or verdict))
    return code
