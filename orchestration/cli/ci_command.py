"""`ci`: write a workflow file for continuous integration."""

import argparse
from typing import Any

import printing
import project
from errors import UserError
from orchestration.cli import options
from orchestration.projects.ci.ci_files import FILES


def add(commands: Any) -> None:
    """Add the command to the parser."""
    ci = commands.add_parser(
        "ci",
        help="write a workflow file that checks, tries, builds and starts a pipeline: ci github --vertex",
        description="Writes .github/workflows/NAME.yml, .gitlab-ci.yml or cloudbuild.yaml into the project, and "
        "replaces no file.",
    )
    ci.add_argument("system", choices=FILES, help="where the file runs")
    ci.add_argument("--pipeline", default=argparse.SUPPRESS, metavar="NAME", help="configs/NAME.toml")
    target = ci.add_mutually_exclusive_group()
    for name, title in (("kubeflow", "Kubeflow Pipelines"), ("vertex", "Vertex AI")):
        target.add_argument(f"--{name}", action="store_true", default=argparse.SUPPRESS, help=f"runs are on {title}")
    ci.add_argument("--image", default=argparse.SUPPRESS, metavar="IMAGE", help="image of the project, without a tag")
    ci.add_argument("--cloud-root", default=argparse.SUPPRESS, metavar="URI", help="folder of artifacts and models")
    options.add_project(ci, options.absent)
    ci.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file."""
    from orchestration.projects.ci import ci_files
    from pipeline import load

    if not (arguments.kubeflow or arguments.vertex):
        raise UserError("ci needs the platform of the runs: --kubeflow or --vertex")
    for option, value, form in (
        ("--image", arguments.image, "REGISTRY/NAME"),
        ("--cloud-root", arguments.cloud_root, "gs://BUCKET/FOLDER"),
    ):
        if not value:
            raise UserError(f"ci needs {option}, as {option} {form}")
    load.load(project.folder(), arguments.pipeline)
    path = ci_files.write(
        project.folder(),
        ci_files.Request(
            system=arguments.system,
            name=arguments.pipeline,
            target="kubeflow" if arguments.kubeflow else "vertex",
            image=arguments.image,
            cloud_root=arguments.cloud_root,
        ),
    )
    printing.line(
        f"wrote {path}",
        "to do: replace keras-pipeline in it by the image of the pipeline's own Dockerfile, in a registry of yours",
    )
    return 0
