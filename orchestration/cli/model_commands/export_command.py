"""`export`: a pushed model for TensorFlow Serving or ONNX Runtime."""

import argparse
from typing import Any

import project
from orchestration.cli import options


def add(commands: Any) -> None:
    """Add the command to the parser."""
    export = commands.add_parser(
        "export",
        help="write a pushed model for TensorFlow Serving or ONNX Runtime: export NAME --format onnx",
        description="Write a pushed model for another runtime. saved_model: the model with its warm-up requests, and "
        "files for Docker Compose and Kubernetes with TensorFlow Serving. onnx: model.onnx takes raw columns and "
        "rows.onnx the texts of CSV cells, with all preprocessing inside; both are compared with the SavedModel "
        "before they are kept.",
    )
    export.add_argument("name", metavar="NAME", help="a pipeline, PIPELINE-VARIANT or PIPELINE-sample")
    export.add_argument(
        "--format", required=True, choices=("saved_model", "onnx", "tflite"), help="format of the exported model"
    )
    export.add_argument("--version", type=int, metavar="V", help="a pushed version (default: the one that serves)")
    export.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="folder to write; an earlier export in it is replaced (default: NAME/exports/FORMAT/VERSION in --root)",
    )
    options.add_project(export, options.absent)
    export.add_argument("--root", default=options.absent(None), metavar="DIR", help=project.ROOT_HELP)
    export.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Export the model and print its folder."""
    import printing
    from orchestration import lazy_packages

    with lazy_packages.quiet():
        from orchestration.export import model_export

        exported = model_export.export(
            arguments.root, arguments.name, arguments.format, arguments.version, arguments.output
        )
    printing.line(f"version {exported.version} exported: {exported.folder}", *exported.notes)
    return 0
