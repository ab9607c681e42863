"""Fits plain models in a process of their own, within a time limit, and stores their predictions of the test rows."""

import io
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

import project
from components import example_passes, summary
from components.fingerprints import code_digest
from components.plain_models import raw_rows
from components.plain_models.plain_settings import FACTS, PREDICTED, SETTINGS, TRAIN, PlainSettings
from models import progress
from spec import settings
from spec.file_names import PLAIN
from spec.plain_models import PLAIN_MODELS, title

PROCESS = "components.plain_models.fit_process"
_WALL = 10
"""Most seconds that the process runs for each second of its processor time: other work on the machine must not cost a
run its plain models, and a process that waits forever must end."""
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor of the node plain-models."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Fit each plain model on the train split, and store its predictions of another; no failure is an error."""
        config = PlainSettings.model_validate(settings.unpack(json.loads(exec_properties["settings"])))
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        artifact = artifact_utils.get_single_instance(output_dict["plain_predictions"])
        fileio.makedirs(artifact.uri)
        train, predicted = (example_passes.files(examples, split) for split in ("train", config.split))
        with tempfile.TemporaryDirectory() as folder, progress.doing("fitting plain models"):
            facts = _facts(config, train, predicted, folder)
            for name in facts["fitted"]:
                with fileio.open(f"{artifact.uri}/{name}.npy", "wb") as file:
                    file.write(_content(os.path.join(folder, f"{name}.npy")))
        with fileio.open(f"{artifact.uri}/{PLAIN}", "w") as file:
            file.write(json.dumps(facts, indent=1))
        summary.put(artifact, line(facts))


def line(facts: dict[str, Any]) -> str:
    """Return one line on the models that were fitted, and the reasons for the others."""
    fitted = [title(name, facts["task"]) for name in facts["fitted"]]
    missing = [f"no {title(name, facts['task'])}: {reason}" for name, reason in facts["failed"].items()]
    sample = f", on {facts['rows']:,} of {facts['train_rows']:,} train rows" if facts["every"] > 1 else ""
    return "; ".join([", ".join(fitted) + sample] * bool(fitted) + missing) or f"none: {facts['note']}"


def _facts(config: PlainSettings, train: Any, predicted: Any, folder: str) -> dict[str, Any]:
    """Fit the models in `folder`; return the content of the artifact's facts."""
    facts: dict[str, Any] = {
        "task": config.label.kind,
        "split": config.split,
        "rows": 0,
        "train_rows": sum(file.rows or 0 for file in train),
        "every": 1,
        "left_out": list(config.left_out),
        "fitted": {},
        "failed": {},
        "note": "",
    }
    if not config.kinds:
        left_out = f": {', '.join(config.left_out)} holds texts or images" if config.left_out else ""
        return {**facts, "note": f"no column of numbers, categories or dates{left_out}"}
    number = sum(file.rows or 0 for file in predicted)
    if not facts["train_rows"] or not 0 < number <= raw_rows.MAX_PREDICTED:
        empty = "train" if not facts["train_rows"] else config.split
        limit = f"the split {config.split} has {number:,} rows, more than {raw_rows.MAX_PREDICTED:,}"
        return {**facts, "note": limit if number > raw_rows.MAX_PREDICTED else f"the split {empty} has no rows"}
    classes = len(config.label.names or ()) if config.label.kind == "classes" else 1
    facts["every"] = raw_rows.step(facts["train_rows"], len(config.kinds), max(classes, 1))
    raw_rows.write(os.path.join(folder, TRAIN), train, config.types, facts["every"])
    raw_rows.write(os.path.join(folder, PREDICTED), predicted, config.types)
    with open(os.path.join(folder, SETTINGS), "w", encoding="utf-8") as file:
        file.write(config.model_dump_json())
    failure = _run(folder, config.seconds)
    try:
        facts |= json.loads(_content(os.path.join(folder, FACTS)))
    except OSError:
        facts["note"] = failure
    if not facts["note"]:
        missing = [name for name in PLAIN_MODELS if name not in facts["fitted"] and name not in facts["failed"]]
        facts["failed"] |= dict.fromkeys(missing, failure)
    for name in list(facts["fitted"]):
        if not np.isfinite(np.load(io.BytesIO(_content(os.path.join(folder, f"{name}.npy"))))).all():
            facts["failed"][name] = "a prediction is not finite"
            del facts["fitted"][name]
    return facts


def _run(folder: str, seconds: float) -> str:
    """Run the process that fits, and end it at the limit of its processor time; return why it ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", PROCESS, folder],
        stdin=subprocess.DEVNULL,
        cwd=project.folder(),
        env={**os.environ, **project.environment(), **_THREADS},
    )
    late = f"not fitted within the {seconds:g} s of evaluation.plain_seconds"
    limit = math.ceil(seconds)
    resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (limit, limit + 1))
    try:
        code = process.wait(_WALL * seconds)
    except subprocess.TimeoutExpired:
        return late
    finally:
        process.kill()
        process.wait()
    return late if code == -signal.SIGXCPU else f"its process ended with code {code}"


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
