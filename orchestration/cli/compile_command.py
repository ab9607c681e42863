"""Without a command: compile for a cluster (--kubeflow, --vertex)."""

import argparse

from orchestration.cli import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipeline.variants import Name


def add(root: argparse.ArgumentParser) -> None:
    """Add the options of compiling."""
    cloud = root.add_argument_group(
        "compiling for Kubeflow and Vertex AI",
        "writes the same pipeline to a file, without submitting it. Each stage runs in a container of --image, which "
        "contains this repository and the project, and starts in the project; data is read there, or from --data-root "
        "gs://BUCKET/FOLDER",
    )
    cloud.add_argument(
        "--output", metavar="FILE", help="where to write the compiled pipeline (default: NAME.yaml, NAME.json)"
    )
    cloud.add_argument(
        "--image",
        metavar="IMAGE",
        help="container image with this repository and its packages (default: a placeholder)",
    )
    cloud.add_argument(
        "--cloud-root",
        metavar="URI",
        help="folder of artifacts and pushed models: gs://BUCKET/FOLDER, on Kubeflow also s3:// and minio:// "
        "(default: a placeholder)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Compile each requested run."""
    for name in options.names(arguments):
        _compile(arguments, name)
    return 0


def _compile(arguments: argparse.Namespace, name: "Name") -> int:
    from orchestration.cloud import compiler

    return compiler.run(
        compiler.Request(
            target="kubeflow" if arguments.kubeflow else "vertex",
            name=name,
            overrides=options.overrides(arguments),
            data_root=arguments.data_root,
            output=arguments.output,
            image=arguments.image,
            root=arguments.cloud_root,
            beam_args=options.beam(arguments),
            cache=not arguments.no_cache,
        )
    )
