"""Digests for cache keys: of the code of a stage, the files and libraries that it uses, and the content of a file.

TFX's cache key covers execution parameters, but not the code of an executor or of a dotted path, the content of a file
or the version of a library. So these are passed as parameters.
"""

import functools
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import project
from components.fingerprints import libraries, parsed_sources, source_imports
from errors import UserError
from models import file_reads

_OF_REPOSITORY = "REPOSITORY:"
"""Prefix of a path relative to the repository in a cache key, if the project is another folder."""
STILL_NS = 2 * 10**9
"""A file that changed within this time may change again with equal timestamps: their resolution is up to 2 s."""

_pinned: dict[str, bytes] = {}
"""Path -> source that this process has loaded, or will load; see `pin`."""


def stage(*modules: str, files: Iterable[str] = (), values: Any = None) -> dict[str, Any]:
    """Describe the code of a stage, as a part of its cache key.

    Args:
        modules: Entry points of the stage: the module of its executor, and modules imported by name at run time.
        files: Additional files that the code reads.
        values: Settings of the code, nested; a string that is the path of a file adds this file.

    Returns:
        JSON-serializable: `modules`; `sources`, digest of these modules and all modules of this repository that they
        import; `files`, path -> digest of the files named in this source and of the additional ones; `libraries`,
        distribution -> version.
    """
    reached = sources(*modules)
    return {
        "modules": list(modules),
        "sources": _digest_of(reached),
        "files": _files(reached, files, values),
        "libraries": _libraries(reached),
    }


def code(*modules: str, files: Iterable[str] = (), values: Any = None) -> str:
    """Compute one digest of modules, all modules of this repository that they import, and the files as in `stage`."""
    reached = sources(*modules)
    text = json.dumps([_digest_of(reached), _files(reached, files, values)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def libraries_of(*modules: str) -> str:
    """List the versions of the libraries that modules, and all modules that they import, use, as one string."""
    return ", ".join(f"{name} {version}" for name, version in _libraries(sources(*modules)).items())


def sources(*modules: str) -> dict[str, tuple[str, bytes]]:
    """Find modules and all modules of this repository that they import, directly or indirectly.

    Returns:
        Module -> path and source.
    """
    reached: dict[str, tuple[str, bytes]] = {}
    packages = {package for module in modules for package in source_imports.with_packages(module)}
    pending = list(packages)
    while pending:
        name = pending.pop()
        path = project.source(name)
        if path is not None:
            reached[name] = path, _read(path)
            new_packages = _source(*reached[name]).imports - packages
            pending.extend(new_packages)
            packages |= new_packages
    parsed_sources.save()
    return reached


def pin_packages() -> None:
    """Pin the source of all packages of this repository: digests in this process are computed from it.

    A process calls this before its imports, so that an edit while TensorFlow starts, or between two runs, does not
    change the digest of code that is already loaded.
    """
    packages = [
        entry.path
        for entry in os.scandir(project.REPOSITORY)
        if os.path.isfile(os.path.join(entry.path, "__init__.py"))
    ]
    for package in packages:
        for folder, _, names in os.walk(package):
            for name in names:
                if name.endswith(".py"):
                    path = os.path.join(folder, name)
                    _pinned[path] = _read(path)


def pin(*modules: str) -> None:
    """Pin the current source of modules, and of all modules that they import, that are not loaded yet."""
    loaded = {vars(module).get("__file__") for module in list(sys.modules.values()) if hasattr(module, "__dict__")}
    for path in set(_pinned) - loaded:
        del _pinned[path]
    for path, content in sources(*modules).values():
        _pinned.setdefault(path, content)


def text(content: bytes) -> str:
    """Compute the digest of bytes; equal to `file` of a file with this content."""
    return hashlib.sha256(content).hexdigest()[:16]


def file(path: str) -> str:
    """Compute the digest of a file's content."""
    stat = os.stat(path)
    if time.time_ns() - max(stat.st_ctime_ns, stat.st_mtime_ns) < STILL_NS:
        return file_reads.digest(path)
    return _file(path, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns)


@functools.lru_cache(maxsize=1024)
def _file(path: str, *_identity: int) -> str:
    return file_reads.digest(path)


def checked(do: Callable[..., None]) -> Callable[..., None]:
    """Decorate an executor's `Do` so that it rejects parameters that were created for other code.

    A compiled job contains the digests of the machine that compiled it. If its image contains other code, the platform
    would cache the results under the wrong key. Library versions are not compared, because the image has its own.

    Raises:
        UserError: the code of the stage, or a file that the code reads, differs.
    """

    @functools.wraps(do)
    def checking(
        self: Any, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        check(exec_properties)
        do(self, input_dict, output_dict, exec_properties)

    return checking


def check(exec_properties: Mapping[str, Any]) -> None:
    """Compare the code that a stage's parameters describe with the code of this process.

    Raises:
        UserError: they differ.
    """
    expected = of_parameters(exec_properties)
    if not expected:
        return
    actual = _digest_of(sources(*expected["modules"]))
    differing = [_portable(path) for path in file_reads.changed(files_of(exec_properties))]
    if expected["sources"] != actual:
        differing.insert(0, f"the code of {', '.join(expected['modules'])}")
    if differing:
        raise UserError(
            f"{' and '.join(differing)} {'differ' if len(differing) > 1 else 'differs'} from the version that this "
            f"step was created with (code digest {expected['sources']}, here {actual}). On a cloud, build the image "
            "from the revision that compiled the job, or compile the job again; on this machine, run again"
        )


def of_parameters(exec_properties: Mapping[str, Any]) -> dict[str, Any]:
    """Read the result of `stage` from a stage's parameters; empty if they have none."""
    value = exec_properties.get("code")
    if not value:
        custom = json.loads(exec_properties.get("custom_config") or "{}")
        value = custom.get("code") if isinstance(custom, Mapping) else None
    code = json.loads(value) if isinstance(value, str) and value else value
    return dict(code) if isinstance(code, Mapping) else {}


def files_of(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """Map the absolute paths of the files in a stage's parameters to their digests."""
    return {_absolute(path): content for path, content in of_parameters(exec_properties).get("files", {}).items()}


def _digest_of(reached: Mapping[str, tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, (_, text) in sorted(reached.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return digest.hexdigest()[:16]


def _libraries(reached: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    top_level = {name.partition(".")[0] for path, text in reached.values() for name in _source(path, text).imports}
    return libraries.versions(
        name for name in top_level if name and name not in sys.stdlib_module_names and project.source(name) is None
    )


def _files(reached: Mapping[str, tuple[str, bytes]], additional: Iterable[str], values: Any) -> dict[str, str]:
    """Map the paths, as in `_portable`, of files named in source or values, and of additional files, to digests."""
    missing = [path for path in additional if not os.path.isfile(_absolute(path))]
    if missing:
        raise UserError(f"files: {missing[0]} does not exist: paths are relative to {project.folder()}")
    paths = {_absolute(path) for path in additional}
    candidates = [(project.folder(), name) for name in filter(source_imports.may_be_path, _strings(values))]
    for path, text in reached.values():
        candidates += [
            (folder, name) for name in _source(path, text).paths for folder in (project.folder(), os.path.dirname(path))
        ]
    for folder, name in set(candidates):
        if os.path.isfile(os.path.join(folder, os.path.expanduser(name))):
            paths.add(_absolute(name, folder))
    return {_portable(path): file(path) for path in sorted(paths) if not path.startswith(file_reads.SYSTEM)}


def _strings(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping | list | tuple):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _strings(value)


def _absolute(path: str, folder: str = "") -> str:
    if not folder and project.is_separate() and path.startswith(_OF_REPOSITORY):
        folder, path = project.REPOSITORY, path.removeprefix(_OF_REPOSITORY)
    return os.path.normpath(os.path.join(folder or project.folder(), os.path.expanduser(path)))


def _portable(path: str) -> str:
    """Make a path relative to the project or the repository, whose locations differ in an image."""
    base = project.base_of(path)
    if base is None:
        return path
    return ("" if base == project.folder() else _OF_REPOSITORY) + os.path.relpath(path, base)


def _read(path: str) -> bytes:
    if path in _pinned:
        return _pinned[path]
    with open(path, "rb") as stream:
        return stream.read()


def _source(path: str, text: bytes) -> source_imports.Source:
    name = project.shown(path).removesuffix(".py").replace(os.sep, ".")
    return parsed_sources.read(name.rpartition(".")[0], text)
