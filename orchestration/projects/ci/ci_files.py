"""Workflow files of GitHub Actions, GitLab and Cloud Build that check, try, build and start a pipeline."""

import os
from dataclasses import dataclass
from typing import Literal

from errors import ResourceError, UserError
from inspection.store import file_rights

FILES = {
    "github": ("github.yml", ".github/workflows/NAME.yml"),
    "gitlab": ("gitlab.yml", ".gitlab-ci.yml"),
    "cloud-build": ("cloudbuild.yaml", "cloudbuild.yaml"),
}
"""System -> template, and file of the project."""
SUFFIXES = {"kubeflow": "yaml", "vertex": "json"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A file that the user requests.

    Attributes:
        system: One of FILES.
        name: The pipeline.
        target: The platform.
        image: Name of the project's image, without a tag.
        cloud_root: Bucket and folder of artifacts and pushed models.
    """

    system: str
    name: str
    target: Literal["kubeflow", "vertex"]
    image: str
    cloud_root: str


def write(folder: str, request: Request) -> str:
    """Write the file to a project.

    Returns:
        Its path, relative to the project.

    Raises:
        UserError: it exists, or the image has a tag.
        ResourceError: it cannot be written.
    """
    if ":" in request.image.rpartition("/")[2] or "@" in request.image:
        raise UserError(f"--image {request.image}: write it without a tag: the file adds that of the commit")
    template, target = FILES[request.system]
    path = target.replace("NAME", request.name)
    full = os.path.join(folder, path)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), template), encoding="utf-8") as file:
        text = file.read()
    for word, value in (
        ("IMAGE_NAME", request.image),
        ("CLOUD_ROOT_URI", request.cloud_root.rstrip("/")),
        ("TARGET", request.target),
        ("SUFFIX", SUFFIXES[request.target]),
        ("NAME", request.name),
    ):
        text = text.replace(word, value)
    try:
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{full} exists already, and ci replaces nothing: move it away first") from error
    except OSError as error:
        raise ResourceError(file_rights.unwritable(full) or f"{full} cannot be written ({error.strerror})") from error
    return path
