"""What the Dockerfile puts into the image of the stages."""

import re
from pathlib import Path

from orchestration.setup import install

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def groups() -> dict[str, str]:
    text = (ROOT / "pyproject.toml").read_text().partition("[dependency-groups]")[2].partition("[tool.uv]")[0]
    return dict(re.findall(r"(?m)^(\w+) = \[((?:.|\n)*?)(?:^\]|\](?= |$))", text))


def test_the_image_has_no_linters_and_tests() -> None:
    arguments = install.groups(runtime=True)
    chosen = {arguments[place + 1] for place, word in enumerate(arguments) if word == "--group"}
    assert "--no-default-groups" in arguments
    assert chosen == {"sql", "excel"}
    assert "pytest" in groups()["dev"]
    for name in chosen:
        assert not re.search(r"pytest|ruff|mypy|moto|hypothesis", groups()[name])
    assert "install.py --stack current --runtime" in DOCKERFILE
    assert {"tests", ".git", "runs"} <= set((ROOT / ".dockerignore").read_text().split())


def test_the_boot_program_is_of_the_beam_in_the_lock() -> None:
    lock = (ROOT / "uv.lock").read_text()
    newest = re.findall(r'name = "apache-beam"\nversion = "([\d.]+)"', lock)[-1]
    boot = re.search(r"apache/beam_python3\.13_sdk:([\d.]+) /opt/apache/beam/boot /opt/apache/beam/boot", DOCKERFILE)
    assert boot is not None
    assert boot[1] == newest


def test_the_last_stage_of_the_dockerfile_is_that_of_the_stages() -> None:
    assert re.findall(r"(?m)^FROM .*$", DOCKERFILE)[-1] == "FROM stages"


def test_another_base_replaces_every_stage_s_and_nothing_of_the_app_is_the_user_s() -> None:
    bases = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert bases == ["${BASE}", "${BASE}", "stages", "stages"]
    assert DOCKERFILE.index("ARG BASE=debian:trixie-slim") < DOCKERFILE.index("FROM")
    assert "--chown" not in DOCKERFILE
    assert "--owner" not in DOCKERFILE
    assert re.search(r"(?m)^USER pipeline$", DOCKERFILE)
