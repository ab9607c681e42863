"""Credentials of the user are in no job, and files with credentials in no image."""

import re
from pathlib import Path
from typing import Any

import pytest

from buckets import ACCESS
from orchestration.cli import parser

ROOT = Path(__file__).parents[3]
CANARY = "c4n4ry-of-a-secret"
VARIABLES = {
    **dict.fromkeys(ACCESS, CANARY),
    **dict.fromkeys(("KF_PIPELINES_TOKEN", "PIPELINE_SERVE_TOKEN", "PGPASSWORD", "WEBHOOK_TOKEN"), CANARY),
    "PIPELINE_METADATA": f"postgresql://me:{CANARY}@host/store",
    "GOOGLE_APPLICATION_CREDENTIALS": f"/{CANARY}.json",
}
del VARIABLES["AWS_ENDPOINT_URL"], VARIABLES["STORAGE_EMULATOR_HOST"]


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_job_and_the_output_have_no_secret_of_the_environment_or_of_notify(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    output = tmp_path / f"cars.{'yaml' if target == 'kubeflow' else 'json'}"
    words = ["--pipeline", "cars", "--cloud-root", "gs://bucket/root", "--image", "i:1", "--output", str(output)]
    notify = [f'notify.webhook="https://host/{CANARY}"', f'notify.command="send {CANARY}"', 'notify.on=["push"]']
    more = [word for setting in notify for word in ("--set", setting)]
    assert parser.main([f"--{target}", *words, *more]) == 0
    out, err = capfd.readouterr()
    assert CANARY not in out + err
    assert "training" in output.read_text(), "the config of the run is in the job"
    assert [path.name for path in tmp_path.iterdir() if CANARY in path.read_text()] == []


@pytest.mark.parametrize("path", [".dockerignore", "orchestration/projects/template/dockerignore"])
def test_an_image_gets_no_file_of_credentials(path: str) -> None:
    """Patterns as Docker, kaniko and Cloud Build read them; `**/` also stands for no folder."""
    patterns = [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]
    rules = [re.compile(_regular(pattern)) for pattern in patterns]
    for name in (".env", "sub/.env.local", "server.key", "a/b/cert.pem", "credentials.json", "x/my-credentials-2.json"):
        assert any(rule.fullmatch(name) for rule in rules), name
    for folder in (".git", "runs"):
        assert any(rule.fullmatch(folder) for rule in rules), folder
    for name in ("configs/houses.toml", "models/keys.py", "data/houses.csv.gz"):
        assert not any(rule.fullmatch(name) for rule in rules), name


def _regular(pattern: str) -> str:
    parts = {"**/": "(.*/)?", "*": "[^/]*"}
    return "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*)", pattern))
