"""Compile a pipeline for Kubeflow Pipelines or Vertex AI, where each stage runs in a container of one image.

The image contains this repository and the project, and starts in the project. So the job names code by dotted path, and
schema and data by paths relative to that folder; `--data-root gs://BUCKET/FOLDER` takes the data from a bucket instead.
Artifacts and pushed models go to `--cloud-root`. Nothing is submitted, and a job contains no credentials: the platform
has them.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import printing
import project
from components.fingerprints import code_digest
from errors import ResourceError, UserError
from orchestration import lazy_packages
from orchestration.cloud import kubeflow, machines, vertex
from orchestration.cloud.data import job_data
from orchestration.local.worker import USER_CODE
from orchestration.paths import Root
from pipeline import load, user_code
from pipeline.beam_arguments import BEAM_ARGS
from pipeline.variants import Name
from spec.artifacts import atomic_files
from spec.rows import data_paths
from spec.stages.stage_names import INFERENCE, RESOLVERS

CLOUD_ROOT = "gs://YOUR-BUCKET/keras-pipeline"
"""Placeholder without --cloud-root. Names of buckets have no capitals, so the platform rejects a job with it."""
IMAGE = "YOUR-REGISTRY/keras-pipeline"
"""Placeholder without --image, which is not a valid name either."""
JOB_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")


class Target(Protocol):
    """A platform: a module next to this one."""

    TITLE: str
    SCHEMES: tuple[str, ...]
    SUFFIXES: tuple[str, ...]
    MARK: str
    NOT_RUN: tuple[str, ...]

    def render(self, job: Mapping[str, Any], platform: Mapping[str, Any] | None = None) -> str:
        """Return the text of the compiled file."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A compilation that the user requests.

    Attributes:
        target: The platform, "kubeflow" or "vertex".
        name: The pipeline, and its variant or sample.
        overrides: `key=value` strings.
        data_root: Bucket and folder that data paths are relative to; None for the repository inside the image.
        output: File to write; None for the pipeline's name in the working directory.
        image: Container image with this repository and its packages; None for a placeholder.
        root: Bucket and folder of artifacts and pushed models; None for a placeholder.
        beam_args: Beam arguments of every stage.
        cache: Whether the platform may serve unchanged stages from earlier runs.
        pin: Whether data in a bucket must stay as it is now; a job that is started again and again takes what it finds.
        spot: LABEL=VALUE of the spot nodes of Kubeflow's cluster; None for any node.
    """

    target: str
    name: Name
    overrides: Iterable[str] = ()
    data_root: str | None = None
    output: str | None = None
    image: str | None = None
    root: str | None = None
    beam_args: Iterable[str] = BEAM_ARGS
    cache: bool = True
    pin: bool = True
    spot: str | None = None


_TARGETS: Mapping[str, Target] = {"kubeflow": kubeflow, "vertex": vertex}


def suffix(target: str) -> str:
    """Return the suffix of the name of a platform's file."""
    return _TARGETS[target].SUFFIXES[0]


def run(request: Request) -> int:
    """Compile a pipeline to a file, and print its content and the remaining steps.

    Returns:
        0.

    Raises:
        UserError: config, data, schema, user code or a flag is invalid.
        RunError: the compiled job is not valid.
        ResourceError: the file cannot be written.
    """
    target = _TARGETS[request.target]
    reviewed = load.reviewed(project.folder(), request.name, request.overrides)
    config, columns, schema = reviewed.config, reviewed.columns, reviewed.schema
    if config.data.sql is not None:
        raise UserError(
            f"{load.CONFIGS}/{request.name.pipeline}.toml: data.sql: a cloud job reads files: `python runner.py doctor "
            f"{request.name.pipeline}` takes the rows into runs/{request.name.run}/queries; copy that Parquet file to "
            "data/, or into a bucket, and compile a config that names it in data.path instead of sql and database"
        )
    name = _job_name(request.name)
    root = Root(CLOUD_ROOT if request.root is None else _bucket(request.root, "--cloud-root", target))
    image = IMAGE if request.image is None else _image(request.image)
    output = _output(request, target)
    _check_spot(request)
    data_root = None if request.data_root is None else _bucket(request.data_root, "--data-root", target)
    shown = f"{load.CONFIGS}/{request.name.pipeline}.toml"
    config, data, content = job_data.find(config, columns, data_root, config_file=shown, pin=request.pin)
    printing.line(f"compiling for {target.TITLE}: starting TFX takes about 20 s")
    with lazy_packages.quiet():
        for module in USER_CODE:
            user_code.load(module)
        from orchestration.cloud import job, run_facts
        from orchestration.cloud.parameters import long_parameters, runtime_parameters
        from pipeline.create_pipeline import Places, create_pipeline

    places = Places(
        data=data,
        schema=schema,
        artifacts=root.artifacts(request.name.run),
        serving=root.serving(request.name.run),
        trials=root.trials(request.name.run),
        data_content=content,
        schema_content=code_digest.file(os.path.join(project.folder(), schema)),
        skew=job_data.served(config, data_root, shown),
        predicted=job_data.predicted(config, data_root, shown),
        baseline="serving",
        accepted=root.accepted(request.name.run),
        beam_args=tuple(request.beam_args),
        cache=request.cache,
    )
    pipeline = create_pipeline(name=name, config=config, columns=columns, places=places, advisory=request.name.sample)
    compiled = job.compile_job(
        pipeline,
        image=image,
        # No parameter depends on earlier runs, nor on edits of data whose content is unknown here.
        uncached=[
            *(node.id for node in pipeline.components if node.id in RESOLVERS),
            "validation",
            *([] if content else ["ingestion"]),
            *([INFERENCE] if config.inference is not None else []),
        ],
    )
    known = run_facts.of(request, config, columns, data)
    job.record_runs(compiled, home=root.pipeline(request.name.run), stage="validation", facts=known)
    settable = runtime_parameters.declare(compiled, epochs=config.training.epochs, data=data, content=content)
    try:
        machines.apply(compiled, config.cloud, kubeflow=request.target == "kubeflow")
    except ValueError as error:
        raise UserError(f"{shown}: {error}") from error
    files = long_parameters.shorten(compiled)
    job.check(compiled, not_run=target.NOT_RUN)
    long_parameters.write(files)
    _write(output, target.render(compiled, machines.platform(compiled, config.cloud, request.spot)))
    printing.line(f"written    {output}: pipeline {name}, schema {job.SCHEMA_VERSION}")
    printing.line(f"image      {image}")
    listed = ", ".join(path for _, path in data_paths.flat(data))
    printing.line(f"data       {listed}{_where(request)}")
    printing.line(f"parameters {', '.join(settable)}")
    printing.line(f"artifacts  {places.artifacts}")
    printing.line(f"serving    {places.serving}")
    if config.cloud.bucket_secret and request.target == "vertex":
        printing.line("note: cloud.bucket_secret has no effect on Vertex AI, whose stages use their service account")
    if request.spot and not config.cloud.retries:
        printing.line("note: spot nodes go away at any time: set cloud.retries, so that a stage starts again")
    printing.line(*_notes(request, root.path, config.data.paths, files))
    return 0


def _check_spot(request: Request) -> None:
    if request.spot is None:
        return
    if request.target == "vertex":
        raise UserError("--spot has no effect on Vertex AI: its pipelines offer no spot machines; remove it")
    if not re.fullmatch(r"[A-Za-z0-9][\w./-]*=[\w.-]+", request.spot):
        raise UserError(f"--spot {request.spot}: write the label of the nodes as LABEL=VALUE")


def _where(request: Request) -> str:
    if request.data_root is None:
        return " in the image"
    return ", as it is now" if request.pin else ", as each run finds it"


def _notes(request: Request, root: str, paths: data_paths.Paths, files: Iterable[str] = ()) -> list[str]:
    """Return what the user still has to do before the job can run."""
    notes = [
        f"to do: {path} holds settings that are too long for a command line; build the image after this compilation"
        for path in sorted(files)
    ]
    notes += [
        f"to do: {path} is on this machine alone; copy it to data/ of the project and name it so in data.path"
        for _, path in data_paths.flat(paths)
        if os.path.isabs(path)
    ]
    if request.root is None:
        notes.append(f"to do: {CLOUD_ROOT} is a placeholder; name your bucket with --cloud-root gs://BUCKET/FOLDER")
    if request.image is None:
        notes.append(f"to do: {IMAGE} is a placeholder; name an image that holds this repository with --image IMAGE")
    if project.is_separate():
        notes.append(
            f"to do: build the image from the pipeline's and the project: docker build -t IMAGE {project.folder()}"
        )
    return list(dict.fromkeys(notes))


def _job_name(run: Name) -> str:
    """Return the run's name in the form that both platforms accept: house_tiers becomes house-tiers."""
    name = run.run.lower().replace("_", "-")
    if not JOB_NAME.fullmatch(name):
        raise UserError(
            f"{load.CONFIGS}/{run.pipeline}.toml: the name of a job consists of at most 128 letters, digits and "
            "hyphens, and does not start with a hyphen: rename the config and its schema"
        )
    return name


def _bucket(value: str, flag: str, target: Target) -> str:
    """Return a bucket and folder without a slash at the end."""
    schemes = "|".join(target.SCHEMES)
    if not re.fullmatch(rf"({schemes})://[A-Za-z0-9][A-Za-z0-9._-]*(/[^\s?#@]*)?", value):
        forms = " or ".join(f"{scheme}://BUCKET/FOLDER" for scheme in target.SCHEMES)
        raise UserError(
            f"{flag} {_redact(value)}: {target.TITLE} keeps files in a bucket: write {forms}, without user, password "
            "or options"
        )
    return value.rstrip("/")


def _image(value: str) -> str:
    if not re.fullmatch(r"[^\s@]+(@sha256:[0-9a-f]{64})?", value):
        raise UserError(f"--image {_redact(value)}: write a container image as REGISTRY/NAME:TAG")
    return value


def _redact(value: str) -> str:
    """Return an invalid value without anything that may be a password."""
    return re.sub(r"^(\w+://)?.*@|\?.*", r"\1***", value) or "''"


def _output(request: Request, target: Target) -> str:
    path = request.output or request.name.run + target.SUFFIXES[0]
    if not path.endswith(target.SUFFIXES):
        raise UserError(f"--output {path}: {target.TITLE} needs a {' or '.join(target.SUFFIXES)} file: rename it")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise UserError(
            f"--output {path}: the folder {os.path.dirname(path)} does not exist: create it, or name another file"
        )
    if os.path.isfile(path) and not _is_compiled(path, target):
        raise UserError(f"{path} exists and is not a compiled pipeline: name another file with --output, or remove it")
    return path


def _is_compiled(path: str, target: Target) -> bool:
    """Return whether a file was written by an earlier compilation, or is empty, so that it may be overwritten."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError):
        return False
    return not text or target.MARK in text


def _write(path: str, text: str) -> None:
    try:
        atomic_files.write(path, text)
    except OSError as error:
        raise ResourceError(
            f"{path} cannot be written ({error.strerror}): choose another file with --output"
        ) from error
