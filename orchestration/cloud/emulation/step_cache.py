"""Cache of an emulated platform: equal tasks take the outputs of an earlier run.

As on both platforms, the key consists of the image, the command, the parameters, the outputs' types and the names of
the input artifacts. The name of an artifact is new whenever a step writes it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from orchestration.cloud.emulation.platforms import Artifact, Task
from spec.artifacts import atomic_files


class StepCache:
    """Outputs of finished steps, and the number of artifacts so far, in a file.

    Args:
        path: The file; missing before the first run.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._content: dict[str, Any] = {"artifacts": 0, "outputs": {}}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self._content = json.load(file)

    @staticmethod
    def key(task: Task, container: Mapping[str, Any]) -> str:
        """Return the key of a task.

        Args:
            task: The task.
            container: Its container: image, command and arguments.
        """
        parts = {
            "container": {key: container.get(key) for key in ("image", "command", "args")},
            "parameters": dict(task.parameters),
            "inputs": {key: artifact["name"] for key, artifact in task.inputs.items()},
            "outputs": task.outputs,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def read(self, key: str) -> dict[str, Artifact] | None:
        """Return the outputs of an equal task; None if there is none."""
        outputs: dict[str, Artifact] | None = self._content["outputs"].get(key)
        return outputs

    def next_number(self) -> int:
        """Return the number of a new artifact."""
        self._content["artifacts"] += 1
        return int(self._content["artifacts"])

    def write(self, key: str, outputs: Mapping[str, Artifact]) -> None:
        """Store the outputs of a task."""
        self._content["outputs"][key] = dict(outputs)
        atomic_files.write(self._path, json.dumps(self._content))
