"""Digests for cache keys: of the code of a stage, of the files and libraries that it uses, and of a file's content.

TFX's cache key covers execution parameters, but neither the code of an executor, nor that behind a dotted path, nor
the content of a file, nor the version of a library. So these travel as parameters.
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
from components.fingerprints import libraries, source_imports
from errors import UserError
from models import file_reads

_OF_REPOSITORY = "REPOSITORY:"
"""How the path of a repository's file begins in a cache key, where the project is another folder."""
STILL_NS = 2 * 10**9
"""A file whose times are younger may change again without a new time: file systems count in steps of up to 2 s."""

_pinned: dict[str, bytes] = {}
"""Path -> source as this process has loaded it, or will; see `pin`."""


def stage(*modules: str, files: Iterable[str] = (), values: Any = None) -> dict[str, Any]:
    """Describe the code of a stage, as a part of its cache key.

    Args:
        modules: Those that the stage starts from: its executor's, and others that are only named at run time.
        files: Further files that the code reads.
        values: Settings that the code gets, nested; a text among them that names a file stands for that file.

    Returns:
        JSON-able: `modules`; `sources`, a digest of all source that they reach in this repository; `files`, path ->
        digest of the files that this source names and of the further ones; `libraries`, distribution -> version.
    """
    reached = sources(*modules)
    return {
        "modules": list(modules),
        "sources": _digest_of(reached),
        "files": _files(reached, files, values),
        "libraries": _libraries(reached),
    }


def code(*modules: str, files: Iterable[str] = (), values: Any = None) -> str:
    """Digest the source of modules, of all that they import in this repository, and the files as `stage` finds them."""
    reached = sources(*modules)
    text = json.dumps([_digest_of(reached), _files(reached, files, values)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def libraries_of(*modules: str) -> str:
    """Versions of the libraries that modules import, and all that these import in this repository, as one text."""
    return ", ".join(f"{name} {version}" for name, version in _libraries(sources(*modules)).items())


def sources(*modules: str) -> dict[str, tuple[str, bytes]]:
    """Find modules and every module of this repository that they import, however deep.

    Returns:
        Module -> path and source.
    """
    found: dict[str, tuple[str, bytes]] = {}
    seen = {above for module in modules for above in source_imports.with_packages(module)}
    waiting = list(seen)
    while waiting:
        name = waiting.pop()
        path = project.source(name)
        if path is not None:
            found[name] = path, _read(path)
            further = _source(*found[name]).imports - seen
            waiting.extend(further)
            seen |= further
    return found


def pin_packages() -> None:
    """Remember the source of all packages of this repository: this process takes it for what it will have loaded.

    A process calls it before it imports, so that an edit while TensorFlow starts, or between two runs, does not give
    code that is loaded already the digest of another text.
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
    """Remember the source of modules, and all that they reach, as it is now, where it is not loaded yet."""
    loaded = {vars(module).get("__file__") for module in list(sys.modules.values()) if hasattr(module, "__dict__")}
    for path in set(_pinned) - loaded:
        del _pinned[path]
    for path, content in sources(*modules).values():
        _pinned.setdefault(path, content)


def text(content: bytes) -> str:
    """Digest the content of a file, as `file` does."""
    return hashlib.sha256(content).hexdigest()[:16]


def file(path: str) -> str:
    """Digest a file's content."""
    stat = os.stat(path)
    if time.time_ns() - max(stat.st_ctime_ns, stat.st_mtime_ns) < STILL_NS:
        return file_reads.digest(path)
    return _file(path, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns)


@functools.lru_cache(maxsize=1024)
def _file(path: str, *_identity: int) -> str:
    return file_reads.digest(path)


def checked(do: Callable[..., None]) -> Callable[..., None]:
    """Decorate an executor's `Do`: it refuses parameters that were made for other code than it has.

    A compiled job carries the digests of the machine that compiled it, and its image may hold something else, whose
    results the platform would then keep under the wrong key. Library versions are not compared: the image has its own.

    Raises:
        UserError: the code of the stage, or a file that this reads, differs.
    """

    @functools.wraps(do)
    def checking(
        self: Any, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        check(exec_properties)
        do(self, input_dict, output_dict, exec_properties)

    return checking


def check(exec_properties: Mapping[str, Any]) -> None:
    """Compare the code that a stage's parameters describe with what is here.

    Raises:
        UserError: they differ.
    """
    given = of_parameters(exec_properties)
    if not given:
        return
    here = _digest_of(sources(*given["modules"]))
    differing = [_shown(path) for path in file_reads.changed(files_of(exec_properties))]
    if given["sources"] != here:
        differing.insert(0, f"the code of {', '.join(given['modules'])}")
    if differing:
        raise UserError(
            f"{' and '.join(differing)} {'differ' if len(differing) > 1 else 'differs'} from what this step was made "
            f"for (its code has digest {given['sources']}, here it is {here}). On a cloud, build the image from the "
            "revision that compiled the job, or compile the job again; on this machine, run again"
        )


def of_parameters(exec_properties: Mapping[str, Any]) -> dict[str, Any]:
    """What `stage` gave to a stage's parameters; empty where there is nothing of it."""
    found = exec_properties.get("code")
    if not found:
        custom = json.loads(exec_properties.get("custom_config") or "{}")
        found = custom.get("code") if isinstance(custom, Mapping) else None
    given = json.loads(found) if isinstance(found, str) and found else found
    return dict(given) if isinstance(given, Mapping) else {}


def files_of(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """Absolute path -> digest of the files that a stage's parameters name."""
    return {_absolute(path): content for path, content in of_parameters(exec_properties).get("files", {}).items()}


def _digest_of(reached: Mapping[str, tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, (_, text) in sorted(reached.items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return whole.hexdigest()[:16]


def _libraries(reached: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    tops = {name.partition(".")[0] for path, text in reached.values() for name in _source(path, text).imports}
    return libraries.versions(
        name for name in tops if name and name not in sys.stdlib_module_names and project.source(name) is None
    )


def _files(reached: Mapping[str, tuple[str, bytes]], further: Iterable[str], values: Any) -> dict[str, str]:
    """Path, as `_shown` names it, and digest of each file that source or values name, and of further ones."""
    missing = [path for path in further if not os.path.isfile(_absolute(path))]
    if missing:
        raise UserError(f"files: there is no file {missing[0]}: a path is relative to {project.folder()}")
    found = {_absolute(path) for path in further}
    named = [(project.folder(), name) for name in filter(source_imports.may_be_path, _texts_of(values))]
    for path, text in reached.values():
        named += [
            (folder, name) for name in _source(path, text).texts for folder in (project.folder(), os.path.dirname(path))
        ]
    for folder, name in set(named):
        if os.path.isfile(os.path.join(folder, os.path.expanduser(name))):
            found.add(_absolute(name, folder))
    return {_shown(path): file(path) for path in sorted(found) if not path.startswith(file_reads.SYSTEM)}


def _texts_of(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping | list | tuple):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _texts_of(value)


def _absolute(path: str, folder: str = "") -> str:
    if not folder and project.is_separate() and path.startswith(_OF_REPOSITORY):
        folder, path = project.REPOSITORY, path.removeprefix(_OF_REPOSITORY)
    return os.path.normpath(os.path.join(folder or project.folder(), os.path.expanduser(path)))


def _shown(path: str) -> str:
    """Name a file without the place of repository and project, which differs in an image."""
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
    return source_imports.read(name.rpartition(".")[0], text)
