"""Dry runs as a user without a name or a home, of a repository and a project that may only be read."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..trees import OTHER_USER, copy_code
from ..warm import Result
from .cloud_projects import ROOTS, Project


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """A folder with the code in `app`, a project, and what this user may write: `runs` and `tmp`.

    It is not in pytest's folder, which is closed to other users: access(2), which TensorFlow calls, would deny that a
    file in it exists, as it ignores the capability that lets `open` read the file.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root, to run a command as another user")
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, to run a command as another user")
    folder = Path(tempfile.mkdtemp(prefix="pipeline-image-"))
    try:
        folder.chmod(0o755)
        copy_code(folder / "app")
        Project(folder / "project")
        for path in (folder / "app", folder / "project"):
            subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(path)], check=True)
        (folder / "empty").mkdir(mode=0o555)
        for name in ("runs", "tmp"):
            (folder / name).mkdir()
            (folder / name).chmod(0o777)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("target", ROOTS)
def test_another_user_runs_a_job_and_pushes_without_writing_to_code_or_project(image: Path, target: str) -> None:
    files = listed(image)
    command = [sys.executable, str(image / "app" / "runner.py"), "--project", str(image / "project"), f"--{target}"]
    command += ["--pipeline", "warm", "--dry-run", "fork", "--cloud-root", ROOTS[target], "--image", "registry/image:1"]
    completed = subprocess.run(
        [*OTHER_USER, *command, "--root", str(image / "runs")],
        cwd=image / "empty",
        env={"HOME": "/nonexistent", "TMPDIR": str(image / "tmp"), "PATH": os.environ["PATH"], "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    result = Result(completed.returncode, completed.stdout, completed.stderr)
    assert result.code == 0, result.err + result.out
    assert set(result.nodes.values()) == {"done"}
    assert result.line("Pushed:").startswith(f"{ROOTS[target]}/warm/serving/")
    owners = {path.stat().st_uid for path in (image / "runs").rglob("*")}
    assert owners == {1000660000}
    assert listed(image) == files


def listed(image: Path) -> dict[Path, int]:
    """Return the files that this user may not write, with the times of their changes."""
    paths = [path for name in ("app", "project", "empty") for path in (image / name).rglob("*")]
    return {path: path.lstat().st_mtime_ns for path in paths}
