"""Exports of the versions that `serve --engine onnx` loads: an existing one, or one made in a child process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

import project
from orchestration.paths import Root
from serving.onnx_model import read_manifest

Log = Callable[[str], object]
_LINES = 3
"""Last lines of a failed export that are shown."""


class OnnxVersions:
    """Finds and makes exports, in exports/onnx/VERSION of a pipeline's folder.

    An export needs TensorFlow, which the server must not import: `runner.py export` is a process of its own.

    Args:
        root: The folder of all runs.
        log: Receives a line when an export is made.
    """

    def __init__(self, root: str, log: Log) -> None:
        self._root = root
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def find(self, name: str, number: int) -> str:
        """Return the folder of an export.

        Args:
            name: The pipeline.
            number: The version.

        Raises:
            ValueError: there is none, and it cannot be made.
        """
        folder = os.path.join(Root(self._root).exports(name, "onnx"), str(number))
        if not _usable(folder, name, number):
            self._log(f"{name}: version {number} is exported as ONNX, which takes a while")
            self._make(name, number)
        return folder

    def stop(self) -> None:
        """End an export that runs."""
        self._stopped = True
        if self._process is not None:
            self._process.terminate()

    def _make(self, name: str, number: int) -> None:
        command = [sys.executable, os.path.join(project.REPOSITORY, "runner.py"), "export", name, "--format", "onnx"]
        command += ["--version", str(number), "--root", self._root]
        with tempfile.TemporaryFile() as output:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
            if self._stopped:
                self._process.terminate()
            code = self._process.wait()
            self._process = None
            output.seek(0)
            lines = [line.strip() for line in output.read().decode(errors="replace").splitlines() if line.strip()]
        if code:
            reason = " ".join(lines[-_LINES:]).removeprefix("error: ") or f"it ended with code {code}"
            raise ValueError(f"it cannot be exported as ONNX: {reason}")


def _usable(folder: str, name: str, number: int) -> bool:
    """Return whether a folder has the export of a version, made by this software or a compatible one."""
    try:
        manifest = read_manifest(folder)
    except ValueError:
        return False
    return bool(manifest.get("name") == name and manifest.get("version") == number)
