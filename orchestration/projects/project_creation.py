"""Creation of a project folder with an example module and related files; no existing file is replaced."""

import os
from dataclasses import dataclass

import project
from errors import ResourceError, UserError
from inspection.store import file_rights
from orchestration.projects.project_selection import FORMAT

FOLDERS = ("configs", "schemas", "data")
_TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "template")
_FILES = {
    "my_features.py": "my_features.py",
    "README.md": "readme.md",
    "Dockerfile": "dockerfile",
    ".gitignore": "gitignore",
    ".dockerignore": "dockerignore",
}
"""File of a project -> file of the template, named differently because a .gitignore would apply to this repository."""
_HEAD = (
    "# This file makes its folder a project of the pipeline: configs, schemas, data and modules are read from here.\n"
    "# Runs are written to runs/.\n"
)


@dataclass(frozen=True)
class Created:
    """A created project.

    Attributes:
        folder: The project folder.
        paths: Created files and folders, relative to it.
    """

    folder: str
    paths: tuple[str, ...]


def create(path: str) -> Created:
    """Create a project in a folder that does not exist, is empty, or contains other files.

    Args:
        path: The folder; missing parent folders are created too.

    Raises:
        UserError: a file that would be written exists, or a file has the name of a folder; nothing is written.
        ResourceError: the folder cannot be written.
    """
    folder = os.path.abspath(path)
    files = {
        **{name: _template(source) for name, source in _FILES.items()},
        project.FILE: f"{_HEAD}format = {FORMAT}\n",
    }
    files |= {os.path.join(name, ".gitkeep"): "" for name in FOLDERS if not _has_content(os.path.join(folder, name))}
    _refuse(folder, list(files))
    created: list[str] = []
    try:
        for name in ("", *FOLDERS):
            if not os.path.isdir(os.path.join(folder, name)):
                os.makedirs(os.path.join(folder, name))
                created += [f"{name}/"] if name else []
        # The project file is written last, so that an incomplete folder is not a project.
        for name, text in files.items():
            with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
                file.write(text)
            created.append(name)
    except OSError as error:
        written_note = f"; written so far: {', '.join(created)}" if created else ""
        path = str(error.filename or folder)
        reason = file_rights.unwritable(path.rstrip(os.sep)) or f"{path} cannot be written ({error.strerror})"
        raise ResourceError(f"{reason}{written_note}") from error
    return Created(folder, tuple(name for name in created if not name.endswith(".gitkeep")))


def _refuse(folder: str, files: list[str]) -> None:
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise UserError(f"{folder} is not a folder: name another one")
    if os.path.isfile(os.path.join(folder, project.FILE)):
        raise UserError(f"{folder} is a project already: it has a {project.FILE}")
    existing = [name for name in files if os.path.lexists(os.path.join(folder, name))]
    existing += [
        name for name in FOLDERS if os.path.lexists(os.path.join(folder, name)) and not _is_folder(folder, name)
    ]
    if existing:
        raise UserError(
            f"{folder} has {', '.join(existing)} already, and init replaces nothing: move that away, or name another "
            "folder. Nothing was written"
        )


def _is_folder(folder: str, name: str) -> bool:
    return os.path.isdir(os.path.join(folder, name))


def _has_content(path: str) -> bool:
    return os.path.isdir(path) and bool(os.listdir(path))


def _template(name: str) -> str:
    with open(os.path.join(_TEMPLATE, name), encoding="utf-8") as file:
        return file.read()
