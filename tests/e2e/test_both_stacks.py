"""Jobs that one stack compiles and the other executes: every metric is that of a local run of the executing stack.

The stacks are that of this machine and the newer one in the root that tests/current_stack.sh makes.
"""

import importlib.metadata
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .. import namespaces
from ..trees import copy_code
from ..warm import REPOSITORY, Result
from .conftest import check_recorded, run_folder, run_json, runner
from .test_shipped_dry_runs import ROOTS, SHORT

NEWER = REPOSITORY / ".current" / "root"
PACKAGES = "/src/.venv"
"""Environment of the newer stack, in its root."""
INSIDE = """\
set -e
root=$1 shared=$2
shift 2
mkdir -p "$root$shared"
mount --bind "$shared" "$root$shared"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 NO_COLOR=1 COLUMNS=200 PATH=/usr/local/bin:/usr/bin:/bin "$@"
"""
STACKS = ("this", "newer")


class Stacks:
    """Copies of the repository for both stacks, in one folder that both see.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._outcomes: dict[tuple[str, str], Any] = {}
        for stack in STACKS:
            copy_code(folder / stack)
        link = folder / "newer" / ".venv"
        link.unlink()
        link.symlink_to(PACKAGES)

    def run(self, stack: str, *arguments: object) -> Result:
        """Act as `python runner.py ARGUMENTS` in a stack."""
        tree = self.folder / stack
        if stack == "this":
            result = runner(*arguments, tree=tree, timeout=3600)
        else:
            command = [f"{PACKAGES}/bin/python", str(tree / "runner.py"), *map(str, arguments)]
            command = namespaces.command(INSIDE, NEWER, self.folder, *command)
            completed = subprocess.run(command, capture_output=True, text=True, timeout=3600)
            result = Result(completed.returncode, completed.stdout, completed.stderr)
        assert result.code == 0, result.err + result.out
        return result

    def local(self, stack: str, name: str) -> Any:
        """Return the outcome of a run on this machine, which happens once."""
        if (stack, name) not in self._outcomes:
            result = self.run(stack, "--local", "--root", self.folder / f"runs-{stack}", *flags(name))
            self._outcomes[stack, name] = run_json(result)["outcome"]
        return self._outcomes[stack, name]


def flags(name: str) -> list[object]:
    return ["--pipeline", name, *(part for override in SHORT[name] for part in ("--set", override))]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    if not (NEWER / PACKAGES.lstrip("/")).exists():
        pytest.skip("needs the newer stack beside this one: make it with `tests/current_stack.sh --only set-up`")
    namespaces.need("to enter the root of the newer stack")
    return Stacks(tmp_path_factory.mktemp("stacks"))


@pytest.mark.slow
@pytest.mark.parametrize("target", ROOTS)
@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("executing", STACKS)
def test_a_job_of_the_other_stack_has_the_metrics_of_a_local_run(
    name: str, target: str, executing: str, stacks: Stacks
) -> None:
    [compiling] = set(STACKS) - {executing}
    job = stacks.folder / f"{compiling}-{name}{'.yaml' if target == 'kubeflow' else '.json'}"
    places = ("--cloud-root", ROOTS[target], "--image", "registry/image:1", "--output", job)
    stacks.run(compiling, f"--{target}", *flags(name), *places)
    assert (f"tfx-{importlib.metadata.version('tfx')}" in job.read_text()) == (compiling == "this")
    root = stacks.folder / f"runs-{executing}"
    dry = stacks.run(executing, f"--{target}", "--dry-run", "fork", "--job", job, "--root", root)
    assert set(dry.nodes.values()) == {"done"}
    folder = run_folder(dry)
    home = folder.parents[1] / "buckets" / f"{ROOTS[target]}/{name}".replace("://", "/")
    check_recorded(home / "runs" / folder.name / "run.json", stacks.local(executing, name))
