"""A job for Vertex AI whose steps use the bucket with the real clients of TensorFlow, Beam and obstore, over TLS."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .. import namespaces
from ..e2e.conftest import check_recorded, run_json, runner
from ..trees import copy_tree
from ..warm import REPOSITORY

SCRIPT = "tests/real_clients/vertex_run.py"
CLOUD_ROOT = "gs://bucket-one/root"
SHORT = ("--pipeline", "houses", "--set", "training.epochs=2", "--set", "evaluation.floor={r2 = -100.0}")
OWN_NAMES = """\
set -e
cp /etc/hosts "$1"
mount --bind "$1" /etc/hosts
shift
exec "$@"
"""
"""The file with the names of hosts is the namespace's own."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with 1,500 houses."""
    return copy_tree(tmp_path_factory.mktemp("vertex") / "tree", rows=1500)


@pytest.fixture(scope="module")
def out(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the results of two runs, and the objects of the bucket."""
    namespaces.need("for a network of its own", "openssl")
    out = tmp_path_factory.mktemp("out")
    job = out / "houses.json"
    compiled = runner(
        *("--vertex", *SHORT, "--cloud-root", CLOUD_ROOT, "--image", "registry/image:1", "--output", job), tree=tree
    )
    assert compiled.code == 0, compiled.err + compiled.out
    script = (sys.executable, REPOSITORY / SCRIPT, job, out)
    command = namespaces.command(OWN_NAMES, out / "hosts", *script, network=True)
    result = subprocess.run(command, capture_output=True, text=True, cwd=tree)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-9000:]
    return out


def stored(out: Path) -> Path:
    return out / "houses" / "buckets" / "gs" / CLOUD_ROOT.removeprefix("gs://") / "houses"


@pytest.mark.slow
def test_the_metrics_are_those_of_a_run_on_this_machine(out: Path, tree: Path) -> None:
    local = runner("--local", *SHORT, tree=tree)
    assert local.code == 0, local.err + local.out
    expected = run_json(local)["outcome"]
    paths = list((stored(out) / "runs").glob("*/run.json"))
    assert len(paths) == 2
    for path in paths:
        check_recorded(path, expected)


@pytest.mark.slow
def test_one_version_is_pushed_and_no_temporary_object_stays(out: Path) -> None:
    versions = [path for path in (stored(out) / "serving").iterdir() if path.name.isdigit()]
    assert len(versions) == 1
    requests = json.loads((out / "requests.json").read_text())
    assert {method for method, _ in requests} >= {"GET", "PUT", "POST", "DELETE"}
    assert [name for name in json.loads((out / "objects.json").read_text()) if "temporary" in name] == []


@pytest.mark.slow
def test_each_client_used_the_bucket(out: Path) -> None:
    paths = [path for _, path in json.loads((out / "requests.json").read_text())]
    assert any(path.startswith("bucket-one/root/houses/runs/") for path in paths)  # obstore
    assert any("?fields=size%2Cgeneration" in path for path in paths)  # TensorFlow
    assert any(path.startswith("batch/") for path in paths)  # Beam
