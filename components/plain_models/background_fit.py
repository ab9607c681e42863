"""The fit of the plain models: a process with a time limit, which may begin before its stage."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

import project
from components import example_passes
from components.plain_models import raw_rows
from components.plain_models.plain_settings import FACTS, PREDICTED, SETTINGS, TRAIN, PlainSettings
from spec import settings
from spec.plain_models import PLAIN_MODELS

PROCESS = "components.plain_models.fit_process"
_WALL = 10
"""Most seconds that the process runs for each second of its processor time: other work on the machine must not cost a
run its plain models, and a process that waits forever must end."""
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Fit:
    """Plain models of the examples of an artifact, fitted by a process that runs beside this one.

    Args:
        examples: Artifact of raw Examples.
        config: Settings of the stage.
    """

    def __init__(self, examples: Any, config: PlainSettings) -> None:
        self._seconds = config.seconds
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None
        train, predicted = (example_passes.files(examples, split) for split in ("train", config.split))
        self._facts: dict[str, Any] = {
            "task": config.label.kind,
            "split": config.split,
            "rows": 0,
            "train_rows": sum(file.rows or 0 for file in train),
            "every": 1,
            "left_out": list(config.left_out),
            "fitted": {},
            "failed": {},
            "note": _obstacle(config, train, predicted),
        }
        if self._facts["note"]:
            return
        classes = len(config.label.names or ()) if config.label.kind == "classes" else 1
        self._facts["every"] = raw_rows.step(self._facts["train_rows"], len(config.kinds), max(classes, 1))
        raw_rows.write(self._path(TRAIN), train, config.types, self._facts["every"])
        raw_rows.write(self._path(PREDICTED), predicted, config.types)
        with open(self._path(SETTINGS), "w", encoding="utf-8") as file:
            file.write(config.model_dump_json())
        self._start()

    def facts(self) -> dict[str, Any]:
        """Wait for the process; return the content of the artifact's facts.

        `fitted` has the models whose `predictions` can be read, `failed` the reasons for the others, and `note` the
        reason if there is none at all.
        """
        if self._process is None:
            return self._facts
        failure = self._wait(self._process)
        facts = dict(self._facts)
        try:
            facts |= json.loads(_read(self._path(FACTS)))
        except OSError:
            facts["note"] = failure
        if not facts["note"]:
            missing = [name for name in PLAIN_MODELS if name not in facts["fitted"] and name not in facts["failed"]]
            facts["failed"] |= dict.fromkeys(missing, failure)
        return facts

    def predictions(self, name: str) -> bytes:
        """Return the content of the .npy file of a model's predictions."""
        return _read(self._path(f"{name}.npy"))

    def close(self) -> None:
        """End the process, and remove its files."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _path(self, name: str) -> str:
        return os.path.join(self._folder.name, name)

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", PROCESS, self._folder.name],
            stdin=subprocess.DEVNULL,
            cwd=project.folder(),
            env={**os.environ, **project.environment(), **_THREADS},
        )
        self._deadline = time.monotonic() + _WALL * self._seconds
        limit = math.ceil(self._seconds)
        resource.prlimit(self._process.pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(self._process.pid, resource.RLIMIT_CPU, (limit, limit + 1))

    def _wait(self, process: "subprocess.Popen[bytes]") -> str:
        """Wait for the end of the process, at most until its deadline; return why it ended."""
        late = f"not fitted within the {self._seconds:g} s of evaluation.plain_seconds"
        try:
            code = process.wait(max(self._deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return late
        return late if code == -signal.SIGXCPU else f"its process ended with code {code}"


_begun: dict[tuple[str, str], Fit] = {}
"""Fits that have begun before their stage, by the folder of the examples and the settings."""


def begin(examples: Any, parameter: str) -> None:
    """Begin the fit before its stage, which then takes it over.

    Args:
        examples: Artifact of raw Examples.
        parameter: Parameter `settings` of the stage.
    """
    _begun[(examples.uri, parameter)] = Fit(examples, _settings(parameter))


def begun(examples: Any, parameter: str) -> Fit:
    """Return the fit that has begun with these arguments of `begin`, or begin one."""
    return _begun.pop((examples.uri, parameter), None) or Fit(examples, _settings(parameter))


def close() -> None:
    """End the fits that no stage has taken over."""
    while _begun:
        _begun.popitem()[1].close()


def _settings(parameter: str) -> PlainSettings:
    return PlainSettings.model_validate(settings.unpack(json.loads(parameter)))


def _obstacle(config: PlainSettings, train: Any, predicted: Any) -> str:
    """Return why nothing can be fitted; "" if something can."""
    if not config.kinds:
        left_out = f": {', '.join(config.left_out)} holds texts or images" if config.left_out else ""
        return f"no column of numbers, categories or dates{left_out}"
    rows = {
        split: sum(file.rows or 0 for file in files) for split, files in (("train", train), (config.split, predicted))
    }
    empty = [split for split, number in rows.items() if not number]
    if empty:
        return f"the split {empty[0]} has no rows"
    if rows[config.split] > raw_rows.MAX_PREDICTED:
        return f"the split {config.split} has {rows[config.split]:,} rows, more than {raw_rows.MAX_PREDICTED:,}"
    return ""


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
