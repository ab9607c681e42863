"""Which data a compiled job reads, and the digest of what it must find there."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import printing
import project
from components.ingestion.discovery import bucket_data, data_files, formats
from components.ingestion.omissions import Omissions
from errors import UserError
from orchestration import preflight
from orchestration.preflight import further_rows
from pipeline.config import Config
from spec.rows import data_paths


def find(
    config: Config, columns: Mapping[str, str], data_root: str | None, *, config_file: str, pin: bool
) -> tuple[Config, Any, str]:
    """Find the data of a job.

    Args:
        config: The config.
        columns: Column name -> type of the approved schema.
        data_root: Bucket and folder of the data; None for the project inside the image.
        config_file: Path of the config, for messages.
        pin: Whether the job must find the objects of the bucket as they are now.

    Returns:
        The config, whose format says what only this machine can see; the paths for the stages; and the digest of the
        contents, or of the versions of the objects. The digest is empty if the job takes what it finds.

    Raises:
        UserError: the data does not exist, is invalid, or its path does not exist in an image or bucket.
        ResourceError: the bucket cannot be used.
    """
    check_paths(config, config_file)
    if data_root is None and not bucket_data.is_in_buckets(config.data.paths):
        content = _here(config, columns, config_file)
        [first, *_] = [path for _, path in data_paths.flat(data_files.under(project.folder(), config.data.paths))]
        return _with_format(config, first), data_files.under("", config.data.paths), content
    there = data_files.under(data_root or "", config.data.paths)
    printing.line(f"data       looking at its objects in {'the bucket' if data_root is None else data_root}")
    with bucket_data.opened(there, config.data) as bucket:
        [first, *_] = [path for _, path in data_paths.flat(bucket.paths)]
        return _with_format(config, first), there, bucket.content if pin else ""


def _with_format(config: Config, first: str) -> Config:
    """Name the format of a folder of images: its path in a bucket, or in an image, does not tell it while compiling."""
    if config.data.format is not None or formats.format_of(first) != formats.FOLDER_OF_IMAGES:
        return config
    data = config.data.model_copy(update={"format": formats.FOLDER_OF_IMAGES})
    return config.model_copy(update={"data": data})


def check_paths(config: Config, config_file: str) -> None:
    """Check that paths of data mean the same in an image or a bucket.

    Raises:
        UserError: one does not.
    """
    named = [("data.path", path) for _, path in data_paths.flat(config.data.paths)]
    if config.inference is not None:
        named += [("inference.path", path) for _, path in data_paths.flat(config.inference.path)]
    for key, path in named:
        if os.path.isabs(path) or os.path.normpath(path).startswith(".."):
            raise UserError(
                f"{config_file}: {key} is {path!r}: a cloud job needs a path under the data root: put the file "
                "into data/, or into a bucket and say --data-root"
            )


def _here(config: Config, columns: Mapping[str, str], config_file: str) -> str:
    """Check the data of the project, and return the digest of its contents."""
    here = data_files.under(project.folder(), config.data.paths)
    omissions = Omissions()
    with _of_the_image():
        preflight.check_data(
            here, config.data, config=config_file, columns=columns, label=config.label.column, omissions=omissions
        )
    for line in omissions.lines():
        printing.line(f"data       {line}")
    return data_files.content(data_files.resolve(here, config.data))


@contextlib.contextmanager
def _of_the_image() -> Iterator[None]:
    """Say in the error about a missing file where a job reads it, and how it reads it from a bucket."""
    try:
        yield
    except UserError as error:
        if data_files.NO_FILE not in str(error):
            raise
        raise UserError(
            f"{error}. The job reads the data of this project, which is in the image; --data-root gs://BUCKET/FOLDER "
            "reads it from a bucket instead"
        ) from error


def predicted(config: Config, data_root: str | None, config_file: str) -> Any:
    """Return the paths of the rows that [inference] predicts, for its stage; None without it."""
    if config.inference is None:
        return None
    if data_root is None:
        with _of_the_image():
            further_rows.check_predicted(data_files.under(project.folder(), config.inference.path), config, config_file)
    return data_files.under(data_root or "", config.inference.path)


def served(config: Config, data_root: str | None, config_file: str) -> Any:
    """Return the paths of served rows for the stages; None without [gates] skew."""
    if config.gates.skew.path is None:
        return None
    if data_root is None:
        with _of_the_image():
            further_rows.check_served(data_files.under(project.folder(), config.gates.skew.path), config, config_file)
    return data_files.under(data_root or "", config.gates.skew.path)
