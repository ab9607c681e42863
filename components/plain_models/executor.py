"""Fits plain models in a process of their own, within a time limit, and stores their predictions of the test rows."""

import io
import json
from typing import Any

import numpy as np
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components import summary
from components.fingerprints import code_digest
from components.plain_models import background_fit
from models import progress
from spec.file_names import PLAIN
from spec.plain_models import title


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor of the node plain-models."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Fit each plain model on the train split, and store its predictions of another; no failure is an error."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        artifact = artifact_utils.get_single_instance(output_dict["plain_predictions"])
        fileio.makedirs(artifact.uri)
        with progress.doing("fitting plain models"):
            fitting = background_fit.begun(examples, exec_properties["settings"])
            try:
                facts = fitting.facts()
                for name in list(facts["fitted"]):
                    predictions = fitting.predictions(name)
                    if not np.isfinite(np.load(io.BytesIO(predictions))).all():
                        facts["failed"][name] = "a prediction is not finite"
                        del facts["fitted"][name]
                        continue
                    with fileio.open(f"{artifact.uri}/{name}.npy", "wb") as file:
                        file.write(predictions)
            finally:
                fitting.close()
        with fileio.open(f"{artifact.uri}/{PLAIN}", "w") as file:
            file.write(json.dumps(facts, indent=1))
        summary.put(artifact, line(facts))


def line(facts: dict[str, Any]) -> str:
    """Return one line on the models that were fitted, and the reasons for the others."""
    fitted = [title(name, facts["task"]) for name in facts["fitted"]]
    missing = [f"no {title(name, facts['task'])}: {reason}" for name, reason in facts["failed"].items()]
    sample = f", on {facts['rows']:,} of {facts['train_rows']:,} train rows" if facts["every"] > 1 else ""
    return "; ".join([", ".join(fitted) + sample] * bool(fitted) + missing) or f"none: {facts['note']}"
