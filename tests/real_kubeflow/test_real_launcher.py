"""Kubeflow's real driver and launcher run a job: each step receives what a dry run passes to it, but for ids.

docs/explanation/testing.md says how the two programs are built; they are not part of the packages that tests install.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestration.cloud.emulation.platforms import LOGS

from .. import namespaces
from ..e2e.conftest import check_recorded, run_json, runner
from ..trees import copy_tree
from ..warm import REPOSITORY
from .stores import STORES, Store

VARIABLES = ("KUBEFLOW_DRIVER", "KUBEFLOW_LAUNCHER")
PROGRAMS = tuple(os.environ.get(name, "") for name in VARIABLES)
SCRIPT = "tests/real_kubeflow/real_run.py"
SHORT = ("--pipeline", "houses", "--set", "training.epochs=2", "--set", "evaluation.floor={r2 = -100.0}")
ROOT = """\
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --bind "$2" "$1/root/$2"
root=$1/root tree=$3
shift 3
exec chroot "$root" env --chdir="$tree" "$@"
"""
"""A root with the files of this machine, in which the launcher may write /gcs, and which is gone afterwards."""
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    return STORES[request.param]


@pytest.fixture(scope="module")
def tree(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with 1,500 houses."""
    tree = copy_tree(tmp_path_factory.mktemp("kubeflow") / "tree", rows=1500)
    config = tree / "configs" / "houses.toml"
    config.write_text(f"{config.read_text()}\n{store.config}")
    return tree


@pytest.fixture(scope="module")
def run(tree: Path, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the inputs of the steps and the objects of the store, after a run with the real programs."""
    if not all(PROGRAMS):
        pytest.skip(f"needs {' and '.join(VARIABLES)}: the paths of Kubeflow's programs, built from its source")
    namespaces.need("for a root folder in which the launcher may write")
    out, root = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("root")
    job = out / "houses.yaml"
    flags = ("--kubeflow", *SHORT, "--cloud-root", store.root, "--image", "registry/image:1", "--output", job)
    compiled = runner(*flags, tree=tree)
    assert compiled.code == 0, compiled.err + compiled.out
    script = (sys.executable, REPOSITORY / SCRIPT, job, *PROGRAMS, out)
    command = namespaces.command(ROOT, root, out, tree, *script, network=True)
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-9000:]
    return out


def without_ids(value: Any) -> Any:
    """Replace random folders, numbers of artifacts, and ids that TFX made of their names (metadata keeps 15 digits)."""
    text = UUID.sub("UUID", json.dumps(value))
    return json.loads(re.sub(r'("name": |"\w+_model_id": )("\d+"|[\d.e+]+)', r'\1"ID"', text))


def steps(run: Path, number: int) -> dict[str, Any]:
    """Return what the steps of the first or the second run received."""
    return {path.stem: json.loads(path.read_text()) for path in (run / str(number)).iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_each_step_receives_what_a_dry_run_passes_to_it(run: Path, number: int) -> None:
    received = {name: step for name, step in steps(run, number).items() if not step["cached"]}
    assert "pusher" in received
    for name, step in received.items():
        assert without_ids(step["emulated_input"]) == without_ids(step["executor_input"]), name


@pytest.mark.slow
def test_an_unchanged_run_takes_from_the_cache_what_a_dry_run_takes_and_pushes_nothing(run: Path) -> None:
    assert not any(step["cached"] for step in steps(run, 1).values())
    second = steps(run, 2)
    assert {name for name, step in second.items() if not step["cached"]} == {
        "validation",
        "baseline",
        "evaluator",
        "pusher",
    }
    assert [name for name, step in second.items() if step["cached"] != step["emulated_cached"]] == []
    versions = {path.name for path in (run / "stored" / "root" / "houses" / "serving").iterdir() if path.name.isdigit()}
    assert len(versions) == 1


@pytest.mark.slow
def test_the_launcher_stores_what_a_dry_run_stores(run: Path, store: Store) -> None:
    scheme, _, path = store.root.partition("://")
    stored, emulated = files(run / "stored"), files(run / "emulated" / scheme / path.partition("/")[0])
    of_run = rf"root/houses/artifacts/houses/{UUID.pattern}/"
    artifacts = {name: content for name, content in stored.items() if re.match(of_run, name) and LOGS not in name}
    assert artifacts == emulated
    assert [name for name in stored if LOGS in name] != []


@pytest.mark.slow
def test_the_metrics_are_those_of_a_run_on_this_machine(run: Path, tree: Path) -> None:
    local = runner("--local", *SHORT, tree=tree)
    assert local.code == 0, local.err + local.out
    expected = run_json(local)["outcome"]
    paths = list((run / "stored" / "root" / "houses" / "runs").glob("*/run.json"))
    assert len(paths) == 2
    for path in paths:
        check_recorded(path, expected)


def files(folder: Path) -> dict[str, bytes]:
    """Return path below a folder -> content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
