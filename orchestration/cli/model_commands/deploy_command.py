"""`deploy`: let an endpoint of Vertex AI answer with a pushed version."""

import argparse
from typing import Any

from errors import UserError
from orchestration.cli import cloud_command, options


def add(commands: Any) -> None:
    """Add the command to the parser."""
    deploy = commands.add_parser(
        "deploy",
        help="put a pushed version into the Model Registry and on an endpoint: deploy NAME --vertex --root gs://B/F",
        description="Adds the version to the Model Registry of Vertex AI, creates an endpoint for the pipeline if it "
        "has none, and lets it answer with the version. A second call changes nothing. An endpoint costs money as long "
        "as a model is deployed to it.",
    )
    deploy.add_argument("name", metavar="NAME", help="a pipeline, PIPELINE-VARIANT or PIPELINE-sample")
    deploy.add_argument("--vertex", action="store_true", default=argparse.SUPPRESS, help="on Vertex AI")
    deploy.add_argument("--version", type=int, metavar="V", help="the pushed version (default: the newest)")
    deploy.add_argument(
        "--serving-image",
        metavar="IMAGE",
        help="container image that serves SavedModels (default: Google's for TensorFlow 2.15)",
    )
    deploy.add_argument("--machine-type", default="n1-standard-2", metavar="TYPE", help="machine of each replica")
    deploy.add_argument(
        "--max-replicas", type=options.rows, default=1, metavar="N", help="replicas at most (default: 1)"
    )
    options.add_project(deploy, options.absent)
    deploy.add_argument(
        "--root", default=argparse.SUPPRESS, metavar="URI", help="root of cloud runs: gs://BUCKET/FOLDER"
    )
    cloud_command.add_access(deploy, options.absent)
    deploy.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Deploy the version."""
    if not arguments.vertex:
        raise UserError(
            "deploy is for Vertex AI: say --vertex. On Kubernetes, use KServe or `serve` on the serving folder"
        )
    from orchestration.cloud.registry import deploy

    request = deploy.Request(
        name=arguments.name,
        root=arguments.root,
        number=arguments.version,
        image=arguments.serving_image,
        machine_type=arguments.machine_type,
        max_replicas=arguments.max_replicas,
    )
    return deploy.run(request, cloud_command.access(arguments, "vertex"))
