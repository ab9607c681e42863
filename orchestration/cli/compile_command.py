"""Without a command: compile for a cluster (--kubeflow, --vertex), and try the compiled job here (--dry-run)."""

import argparse
import importlib
from typing import Any

import printing
from errors import UserError
from orchestration.cli import cloud_command, options
from orchestration.paths import DRY_RUN_MODES
from pipeline.variants import ALL, Name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestration.cloud.compiler import Request

SPOT = "cloud.google.com/gke-spot=true"
"""Label of spot nodes on Google Kubernetes Engine."""


def add(root: argparse.ArgumentParser) -> None:
    """Add the options of compiling."""
    cloud = root.add_argument_group(
        "compiling for Kubeflow and Vertex AI",
        "writes the same pipeline to a file. Each stage runs in a container of --image, which "
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
        "--spot",
        nargs="?",
        const=SPOT,
        metavar="LABEL=VALUE",
        help=f"Kubeflow only: run the stages on spot nodes, which have this label (default: {SPOT}, that of GKE)",
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
    cloud.add_argument(
        "--job",
        metavar="FILE",
        help="with --dry-run: execute this compiled job, for example of another machine, in place of compiling one",
    )
    cloud_command.add(root)


def run(arguments: argparse.Namespace) -> int:
    """Compile each requested run; execute it here or send it to the platform if that is requested."""
    target = "kubeflow" if arguments.kubeflow else "vertex"
    if arguments.job is not None:
        return _run_job(arguments, target)
    if cloud_command.wanted(arguments):
        return _send(arguments, target)
    if arguments.parameter and arguments.dry_run is None:
        raise UserError(
            "--parameter is of a run: add --submit, --schedule or --dry-run, or pass it where you start the compiled "
            "job; --set changes its default"
        )
    for name in options.names(arguments):
        if arguments.dry_run is None:
            _compile(arguments, target, name, arguments.output)
            continue
        import os

        from orchestration.cloud import compiler

        folder = _dry_run_folder(arguments, target, name.run)
        job = arguments.output or os.path.join(folder, f"{name.run}{compiler.suffix(target)}")
        parameters = _compile_for_run(arguments, target, name, job)
        # TFX is imported by the compilation.
        from orchestration.cloud.emulation import dry_run

        dry_run.run(dry_run.Order(target=target, job=job, folder=folder, mode=arguments.dry_run, parameters=parameters))
    return 0


def _run_job(arguments: argparse.Namespace, target: str) -> int:
    """Execute a job that is compiled already, by this or by another installation."""
    if arguments.dry_run is None:
        raise UserError(f"--job {arguments.job}: a compiled job is executed by --dry-run: add it, or remove --job")
    if cloud_command.wanted(arguments):
        raise UserError("--job is of --dry-run: leave out the options that send a job, or leave out --job")
    from orchestration.cloud import job_file
    from orchestration.cloud.parameters import runtime_parameters

    parameters = runtime_parameters.parse(arguments.parameter or ())
    name = job_file.run_name(arguments.job, target)
    runtime_parameters.check_declared(parameters, job_file.read(arguments.job))
    from orchestration import lazy_packages

    printing.line(f"job        {arguments.job}: {name}; starting TFX takes about 20 s")
    with lazy_packages.quiet():
        from orchestration.cloud.emulation import dry_run

        if arguments.dry_run == "fork":
            # A fork has what this process has imported, which is most of the time of a step.
            importlib.import_module("tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor")
    folder = _dry_run_folder(arguments, target, name)
    dry_run.run(
        dry_run.Order(target=target, job=arguments.job, folder=folder, mode=arguments.dry_run, parameters=parameters)
    )
    return 0


def _dry_run_folder(arguments: argparse.Namespace, target: str, run_name: str) -> str:
    import os

    from orchestration.paths import Root

    folder = Root(os.path.abspath(arguments.root)).dry_run(target, run_name)
    os.makedirs(folder, exist_ok=True)
    return folder


def _send(arguments: argparse.Namespace, target: str) -> int:
    if arguments.variant == ALL:
        raise UserError("a job that is sent is of one variant: name it in place of --variant all")
    if arguments.dry_run is not None:
        raise UserError(
            "--dry-run executes the job on this machine: leave it out, or leave out the options that send the job"
        )

    def compiled(variant: str | None) -> tuple[str, dict[str, Any]]:
        from orchestration.cloud import compiler

        name = Name(arguments.pipeline, variant or arguments.variant, arguments.sample is not None)
        path = str(arguments.output or f"{name.run}{compiler.suffix(target)}")
        return path, _compile_for_run(arguments, target, name, path)

    return cloud_command.run(arguments, compiled)


def _compile_for_run(arguments: argparse.Namespace, target: str, name: Name, output: str) -> dict[str, Any]:
    """Compile a job, and return the parameters of its run."""
    from orchestration.cloud import job_file
    from orchestration.cloud.parameters import runtime_parameters

    runtime_parameters.parse(arguments.parameter or ())  # before the compilation, which takes time
    _compile(arguments, target, name, output)
    if not arguments.parameter:
        return {}
    from orchestration.cloud.parameters import requested_parameters

    request = _request(arguments, target, name, output)
    values = requested_parameters.values(arguments.parameter, request, job_file.read(output))
    printing.line(*(f"parameter  {key} = {value}" for key, value in values.items()))
    return values


def _compile(arguments: argparse.Namespace, target: str, name: Name, output: str | None) -> None:
    from orchestration.cloud import compiler

    compiler.run(_request(arguments, target, name, output))


def _request(arguments: argparse.Namespace, target: str, name: Name, output: str | None) -> "Request":
    from orchestration.cloud import compiler

    return compiler.Request(
        target=target,
        name=name,
        overrides=options.overrides(arguments),
        data_root=arguments.data_root,
        output=output,
        image=arguments.image,
        root=arguments.cloud_root,
        beam_args=options.beam(arguments),
        cache=not arguments.no_cache,
        # A schedule starts the same job when there is new data.
        pin=arguments.schedule is None,
        spot=arguments.spot,
    )
