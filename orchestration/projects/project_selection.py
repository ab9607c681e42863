"""Selection of the project folder: from --project, the environment, the working folder, or else the repository."""

import importlib.machinery
import os
import sys
import sysconfig
from collections.abc import Iterator

import project
from errors import ResourceError, UserError

FORMAT = 1
"""Layout of project folders that this version reads."""
_NOT_IMPORTED = ("docs", "tests")
"""Packages that no run imports, so that a project may have its own."""


def choose(option: str | None) -> None:
    """Make a folder the project of this process and of those that it starts.

    The first of these decides: the option, the environment variable, the working folder if it holds a project file. If
    there is none, or if it names the repository, the repository is the project.

    Args:
        option: Value of --project; None if it was not given.

    Raises:
        UserError: the folder does not exist or is not a project, its file is invalid, or a module of it has the name of
            a module that the pipeline needs.
        ResourceError: the folder cannot be read.
    """
    variable = os.environ.get(project.VARIABLE)
    if option is not None:
        path, source = option, f"--project {option}"
    elif variable:
        path, source = variable, f"{project.VARIABLE}={variable}"
    elif os.path.isfile(project.FILE):
        path, source = os.getcwd(), os.getcwd()
    else:
        return
    os.environ.pop(project.VARIABLE, None)
    # Paths of runs and cache keys contain the folder, so it has one name even if links lead to it.
    path = os.path.realpath(path) if path else path
    if path == os.path.realpath(project.REPOSITORY):
        return
    _check(path, source)
    project.use(path)


def runs_folder() -> str:
    """Return the default of --root: runs/ of the project folder, or of the working folder without a separate one."""
    return os.path.join(project.folder(), "runs") if project.is_separate() else "runs"


def shown_flag() -> list[str]:
    """Return the arguments that select the project in a command that the user may copy; none if it is selected here."""
    selected = not project.is_separate() or os.path.realpath(os.curdir) == project.folder()
    return [] if selected else ["--project", project.folder()]


def _check(path: str, source: str) -> None:
    if not os.path.isdir(path):
        problem = "is not a folder" if os.path.exists(path) else "does not exist"
        raise UserError(f"{source}: {path or 'the folder'} {problem}: create it with `python runner.py init DIR`")
    try:
        names = os.listdir(path)
        if project.FILE not in names:
            raise UserError(
                f"{source}: {path} is not a project folder: it has no {project.FILE}. Make it one with `python "
                "runner.py init DIR`, or name a folder that was made so"
            )
        with open(os.path.join(path, project.FILE), "rb") as file:
            content = file.read()
    except OSError as error:
        raise ResourceError(
            f"{source}: {error.filename or path} cannot be read ({error.strerror}): change its rights, or run this as "
            "the user that owns it"
        ) from error
    _check_format(content, os.path.join(path, project.FILE))
    for name in ("configs", "schemas"):
        if not os.path.isdir(os.path.join(path, name)):
            raise UserError(f"{source}: {path} has no folder {name}/, which a project needs: create it")
    if conflicts := list(_conflicts(path, names)):
        raise UserError("\n".join(conflicts))


def _check_format(content: bytes, path: str) -> None:
    import tomli

    try:
        values = tomli.loads(content.decode())
    except ValueError as error:
        raise UserError(f"{path} is not TOML: {error}. It needs the line `format = {FORMAT}`") from error
    if unknown := sorted(set(values) - {"format"}):
        raise UserError(f"{path}: {unknown[0]} is not a known key: the only one is format")
    version = values.get("format")
    if type(version) is not int or version != FORMAT:
        raise UserError(
            f"{path}: format is {version!r}, and this version of the pipeline reads {FORMAT}: write "
            f"`format = {FORMAT}`, or update the pipeline if a newer version made the project"
        )


def _conflicts(path: str, names: list[str]) -> Iterator[str]:
    """Yield why modules of the project cannot be used: they would hide others, or be hidden."""
    libraries = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    for name in sorted(names):
        module = name.removesuffix(".py")
        is_module = name != module or os.path.isfile(os.path.join(path, name, "__init__.py"))
        if not is_module or not module.isidentifier() or module in _NOT_IMPORTED:
            continue
        if module in sys.stdlib_module_names:
            owner = "of Python's standard library"
        elif project.is_of_repository(module):
            owner = "of the pipeline itself"
        elif importlib.machinery.PathFinder.find_spec(module, libraries) is not None:
            owner = "of an installed package"
        else:
            continue
        yield f"{os.path.join(path, name)} has the name of a module {owner}: rename it, as to my_{name}"
