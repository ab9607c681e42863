"""Parameters that are too long for a command line travel as files of the image.

A platform passes all parameters and artifacts of a step in one argument. Linux accepts 128 KiB for an argument, so a
table with thousands of columns would stop each step before it starts. Such a parameter is written to a file of the
project, which the image holds; the job names the file and the digest of its content.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

import project
from errors import ResourceError, UserError
from spec.artifacts import atomic_files

MAX_BYTES = 64 << 10
"""Longest JSON text of all parameters of a step. The other half of Linux's limit is left to its artifacts."""
FOLDER = "compiled"
"""Folder of the project for the files."""
_REFERENCE = re.compile(rf"file:({FOLDER}/[0-9a-f]{{16}}\.txt)#sha256=([0-9a-f]{{64}})")


def shorten(job: Mapping[str, Any]) -> dict[str, str]:
    """Replace long parameters of a job by references to files.

    Args:
        job: A PipelineJob in its JSON form, which is changed.

    Returns:
        Path relative to the project -> content of the file; empty if all parameters are short enough.
    """
    files: dict[str, str] = {}
    for task in job["pipelineSpec"]["root"]["dag"]["tasks"].values():
        constants = {
            key: value["runtimeValue"]
            for key, value in task.get("inputs", {}).get("parameters", {}).items()
            if isinstance(value.get("runtimeValue", {}).get("constant"), str)
        }
        for value in sorted(constants.values(), key=lambda value: -len(value["constant"])):
            if size(constants) <= MAX_BYTES:
                break
            text = value["constant"]
            digest = hashlib.sha256(text.encode()).hexdigest()
            path = f"{FOLDER}/{digest[:16]}.txt"
            files[path], value["constant"] = text, f"file:{path}#sha256={digest}"
    return files


def size(constants: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bytes of parameters in a step's argument, where each quote and backslash is escaped."""
    return len(json.dumps({key: value["constant"] for key, value in constants.items()}))


def write(files: Mapping[str, str]) -> None:
    """Write the files of `shorten` to the project.

    Raises:
        ResourceError: a file cannot be written.
    """
    for path, text in files.items():
        target = project.absolute(path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            atomic_files.write(target, text)
        except OSError as error:
            raise ResourceError(
                f"{target} cannot be written ({error.strerror}): the job's long settings need this file in the image"
            ) from error


def restore(value: Any) -> Any:
    """Return the text that a parameter refers to; another value stays as it is.

    Raises:
        UserError: the image lacks the file, or holds another.
    """
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    path, digest = match.groups()
    fix = f"build the image again, from the project folder that compiled the job, with its folder {FOLDER}/"
    try:
        with open(project.absolute(path), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError as error:
        raise UserError(f"{path} with settings of this step is not in the image: {fix}") from error
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise UserError(f"{path} differs from the settings that the job was compiled with: {fix}")
    return text
