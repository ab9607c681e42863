"""Packages whose code runs at their first use, which halves the time for the imports of a worker.

TFX imports all its components, Beam the clients of clouds and Keras its wrappers of scikit-learn as soon as one of
their modules is imported; no stage uses these. A deferred package is the real one: it has its real path and spec, so
that modules below it are imported as usual, and the first use of a name that it does not have yet runs its code. User
code that uses such a package therefore finds everything in it, and only pays for it then.
"""

import ast
import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import os
import re
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import printing

_STDERR = 2
_START_MESSAGE = re.compile(rb"WARNING: All log messages before absl::|I\d{4} \d\d:\d\d:")
"""A message of the level INFO, and the note that precedes those before the log is set up."""
DEFERRED = frozenset(
    {
        # 16 components, among them the bulk inferrer, and the infra validator with the client of Kubernetes.
        "tfx.components",
        # Evaluators, metrics and plots; TFX and our evaluator use its protos.
        "tensorflow_model_analysis",
        # Clients of services that Beam and TFX can use: BigQuery, Pub/Sub, Dataflow (Beam of the newer stack), Google's
        # log-in, Docker.
        "google.cloud.bigquery",
        "google.cloud.bigquery_storage_v1",
        "google.cloud.pubsub",
        "google.cloud.dataflow",
        "apache_beam.internal.gcp.auth",
        "docker",
        # Behind Beam's class of gs:// paths: the client of buckets, and that of Google's log-in with its cryptography.
        "apache_beam.io.gcp.gcsio",
        # Its code looks through the metadata of all installed packages, to warn of old ones.
        "google.api_core",
        # Clients of buckets, for paths that name one.
        "boto3",
        # Wrappers of scikit-learn.
        "keras.wrappers",
        "keras._tf_keras.keras.wrappers",
        # Optional packages that TensorFlow and Keras probe when they are imported: a notebook, a cluster, a monitor.
        "IPython",
        "googleapiclient.discovery",
        "requests",
    }
)
"""Names of the packages and modules that a worker defers."""
OF_STORE_READERS = frozenset({"grpc"})
"""What readers of stores defer: ML Metadata imports gRPC, with asyncio, for a server that nothing uses."""
EARLY = {"IPython": {"get_ipython": "IPython.core.getipython"}}
"""Package -> name -> module that defines it: names that are looked up in every run, which run nothing else."""
LITERALS = {"apache_beam.io.gcp.gcsio": frozenset({"MAX_BATCH_OPERATION_SIZE"})}
"""Module -> names that are looked up in every run, whose values are numbers in its source."""
_SCANNED = frozenset({"__warningregistry__", "__wrapped__"})
"""Names that tools look up in every module of the process; a look-up of these runs no code."""
_turn = threading.RLock()
_running: set[str] = set()
"""Packages whose code is running."""


class _Deferred(types.ModuleType):
    """A module whose code has not run yet."""

    def __getattr__(self, name: str) -> Any:
        if name not in _SCANNED:
            with _turn:
                if name in vars(self):
                    return vars(self)[name]
                if name in EARLY.get(self.__name__, {}):
                    return getattr(importlib.import_module(EARLY[self.__name__][name]), name)
                if name in LITERALS.get(self.__name__, ()) and (literal := _literal(self, name)):
                    return ast.literal_eval(literal)
                if _has_module(self, name):
                    return importlib.import_module(f"{self.__name__}.{name}")
                if _run(self):
                    return getattr(self, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        with _turn:
            _run(self)
        return sorted(vars(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)


def _run(module: types.ModuleType) -> bool:
    """Run the code of a module; return False if it is running already, or has run in another thread."""
    name = module.__name__
    if name in _running or not isinstance(module, _Deferred):
        return False
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    _running.add(name)
    try:
        module.__spec__.loader.exec_module(module)
    finally:
        _running.remove(name)
    plain: types.ModuleType = module
    plain.__class__ = types.ModuleType
    return True


def _literal(module: types.ModuleType, name: str) -> str:
    """Return the number that a line of a module's source gives a name, as text; "" if there is no such line."""
    source = getattr(module.__loader__, "get_source", lambda _: None)(module.__name__) or ""
    found = re.search(rf"^{name} = (\d[\d_.]*)$", source, re.MULTILINE)
    return found[1] if found else ""


def _has_module(package: types.ModuleType, name: str) -> bool:
    """Return whether a package has a module of this name: `from PACKAGE import MODULE` asks for the attribute first."""
    path = vars(package).get("__path__")
    if path is None or name.startswith("__"):  # requests has a module __version__, and a name
        return False
    return importlib.machinery.PathFinder.find_spec(f"{package.__name__}.{name}", path) is not None


class _Loader(importlib.abc.Loader):
    """Makes a module without running its code."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        module: types.ModuleType | None = self._real.create_module(spec)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = vars(module)["__loader__"] = self._real
        module.__class__ = _Deferred


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self) -> None:
        self.deferred: frozenset[str] = frozenset()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self.deferred:
            return None
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(name, path, target)) is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


_FINDER = _Finder()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Import without messages that do not concern the user.

    TensorFlow prints facts on the machine at its start, and Google's libraries warn of the end of support for this
    Python. Other output to standard error appears at the end of the block, also if that raises.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings(), _without_start_messages():
        warnings.simplefilter("ignore", FutureWarning)
        yield


@contextlib.contextmanager
def _without_start_messages() -> Iterator[None]:
    """Buffer standard error and drop start messages, which TensorFlow 2.21 prints before it reads its log level."""
    sys.stderr.flush()
    try:
        terminal = os.dup(_STDERR)
    except OSError:  # closed: there is nothing to hide
        yield
        return
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, _STDERR)
            os.close(terminal)
            captured.seek(0)
            later_messages = (line for line in captured if not _START_MESSAGE.match(line))
            printing.line(*(line.decode(errors="replace").rstrip("\n") for line in later_messages), to=sys.stderr)


def defer(packages: frozenset[str]) -> None:
    """Defer packages from now on; those that are imported already are not affected."""
    _FINDER.deferred |= packages
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def load(*modules: str) -> None:
    """Import modules, and defer the packages of a worker from now on."""
    defer(DEFERRED)
    collects = gc.isenabled()
    # The imports create millions of objects that stay; repeated garbage collections take a quarter of their time.
    gc.disable()
    try:
        for module in modules:
            importlib.import_module(module)
    finally:
        gc.freeze()
        if collects:
            gc.enable()
