"""Without a command: compile for a cluster (--kubeflow, --vertex), and try the compiled job here (--dry-run)."""

import argparse

from orchestration.cli import options
from orchestration.paths import DRY_RUN_MODES

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

    cloud.add_argument(
        "--dry-run",
        nargs="?",
        const=DRY_RUN_MODES[0],
        choices=DRY_RUN_MODES,
        help="execute the compiled job on this machine, with its own commands and the inputs that the platform passes; "
        "buckets are folders of ROOT/.dry-run. subprocess: each step is a new process (the default); fork: a copy of "
        "this one, which starts faster",
    )


def run(arguments: argparse.Namespace) -> int:
    """Compile each requested run, and execute it here if that is requested."""
    for name in options.names(arguments):
        target = "kubeflow" if arguments.kubeflow else "vertex"
        if arguments.dry_run is None:
            _compile(arguments, target, name, arguments.output)
            continue
        import os

        from orchestration.cloud import compiler
        from orchestration.paths import Root

        folder = Root(os.path.abspath(arguments.root)).dry_run(target, name.run)
        os.makedirs(folder, exist_ok=True)
        job = arguments.output or os.path.join(folder, f"{name.run}{compiler.suffix(target)}")
        _compile(arguments, target, name, job)
        # TFX is imported by the compilation.
        from orchestration.cloud.emulation import dry_run

        dry_run.run(dry_run.Order(target=target, job=job, folder=folder, mode=arguments.dry_run))
    return 0


def _compile(arguments: argparse.Namespace, target: str, name: "Name", output: str | None) -> int:
    from orchestration.cloud import compiler

    return compiler.run(
        compiler.Request(
            target=target,
            name=name,
            overrides=options.overrides(arguments),
            data_root=arguments.data_root,
            output=output,
            image=arguments.image,
            root=arguments.cloud_root,
            beam_args=options.beam(arguments),
            cache=not arguments.no_cache,
        )
    )
