"""`ci`: files for GitHub Actions, GitLab and Cloud Build; their steps run here as written, with another RUNNER."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.cli import parser

from ...flats import Flats

REPOSITORY = Path(__file__).parents[3]
SYSTEMS = {"github": ".github/workflows/flats.yml", "gitlab": ".gitlab-ci.yml", "cloud-build": "cloudbuild.yaml"}
KEYS = {
    "github": {
        "": {"name", "on", "env", "jobs"},
        "job": {"runs-on", "container", "steps", "needs", "if"},
        "step": {"name", "uses", "run"},
    },
    "gitlab": {"job": {"stage", "image", "script", "artifacts", "rules"}},
    "cloud-build": {
        "": {"substitutions", "options", "timeout", "steps"},
        "step": {"id", "name", "entrypoint", "args"},
    },
}
"""Keys of each system that its reference has."""
COMMIT = "0a1b2c3"
LINES = [
    ["--project", ".", "doctor", "flats"],
    ["--project", ".", "--local", "--pipeline", "flats", "--sample", "1000"],
    [*["--project", ".", "--vertex", "--pipeline", "flats", "--image", "registry/image:0a1b2c3", "--cloud-root", "gs://bucket/root"],
     "--output", "job.json"],
    [*["--project", ".", "--vertex", "--pipeline", "flats", "--image", "registry/image:0a1b2c3", "--cloud-root", "gs://bucket/root"],
     "--dry-run", "fork"],
]  # fmt: skip
SUBMIT = [*LINES[3][:-2], "--submit", "--follow"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("PIPELINE_PROJECT", raising=False)
    for name in ("configs", "schemas", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "pipeline-project.toml").write_text("format = 1\n")
    Flats(tmp_path)
    return tmp_path


def write(project, system, *more):
    options = ["--project", str(project), "--pipeline", "flats", "--vertex"]
    return parser.main(["ci", system, *options, "--image", "registry/image", "--cloud-root", "gs://bucket/root", *more])


def read(project, system):
    return yaml.safe_load((project / SYSTEMS[system]).read_text())


def scripts(system, content):
    """Shell lines with the variables that the system sets, by the name of the step."""
    if system == "github":
        steps = {
            f"{job}.{step['name']}": step["run"]
            for job, value in content["jobs"].items()
            for step in value["steps"]
            if "run" in step
        }
        return steps, {**content["env"], "GITHUB_SHA": COMMIT}
    if system == "gitlab":
        jobs = {name: value for name, value in content.items() if name not in ("stages", "variables")}
        names = {"check": ["check", "test", "compile", "dry-run"]}
        steps = {
            f"{job}.{name}": line
            for job, value in jobs.items()
            for name, line in zip(names.get(job, [job]), value["script"], strict=True)
        }
        return steps, {**content["variables"], "CI_COMMIT_SHA": COMMIT}
    environment = dict(entry.split("=", 1) for entry in content["options"]["env"])
    steps = {}
    for step in content["steps"]:
        name = f"{'check' if step['id'] in ('check', 'test', 'compile', 'dry-run') else step['id']}.{step['id']}"
        steps[name] = step["args"][1].replace("$$", "$") if "entrypoint" in step else shlex.join(step["args"])
    return steps, {**environment, "COMMIT": COMMIT}


def executed(line, variables, runner, cwd):
    environment = {"PATH": "/usr/bin:/bin", **{key: str(value) for key, value in variables.items()}, "RUNNER": runner}
    return subprocess.run(["bash", "-ec", line], env=environment, cwd=cwd, capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_file_has_known_keys_and_its_steps_are_commands_of_this_program(project, system, capsys, tmp_path):
    assert write(project, system) == 0
    assert f"wrote {SYSTEMS[system]}" in capsys.readouterr().out
    text = (project / SYSTEMS[system]).read_text()
    assert not re.search(r"IMAGE_NAME|CLOUD_ROOT_URI|TARGET|SUFFIX|\bNAME\b", text), "a word of the template is left"
    content = read(project, system)
    content = {"on" if key is True else key: value for key, value in content.items()}
    keys = KEYS[system]
    assert (
        set(content) <= keys[""] if "" in keys else set(content) == {"stages", "variables", "check", "build", "submit"}
    )
    jobs = content["jobs"] if system == "github" else {} if system == "cloud-build" else content
    for name, job in jobs.items():
        if name not in ("stages", "variables"):
            assert set(job) <= keys["job"], name
    for step in content.get("steps", [step for job in jobs.values() if system == "github" for step in job["steps"]]):
        assert set(step) <= keys["step"]

    steps, variables = scripts(system, content)
    parts = [name.partition(".")[2] for name in steps if name.startswith("check.")]
    assert parts == ["check", "test", "compile", "dry-run"]
    words = []
    for name in [*(f"check.{part}" for part in parts), "submit.submit"]:
        process = executed(steps[name], variables, "printf %s\\n", tmp_path)
        assert process.returncode == 0, process.stderr
        words.append(process.stdout.splitlines())
    assert words == [*LINES, SUBMIT]
    for line in words:
        parser.parser().parse_args(line)
    [build] = [line for name, line in steps.items() if name.endswith(".build")]
    assert "PIPELINE_IMAGE=$" in build


def test_check_and_compile_run_as_written(project):
    assert write(project, "github") == 0
    steps, variables = scripts("github", read(project, "github"))
    runner = f"{sys.executable} {REPOSITORY / 'runner.py'}"
    for name in ("check.check", "check.compile"):
        process = executed(steps[name], variables, runner, project)
        assert process.returncode == 0, process.stderr + process.stdout
    assert '"image": "registry/image:0a1b2c3"' in (project / "job.json").read_text()


@pytest.mark.slow
def test_test_and_dry_run_run_as_written(project):
    assert write(project, "gitlab") == 0
    steps, variables = scripts("gitlab", read(project, "gitlab"))
    for name in ("check.test", "check.dry-run"):
        process = executed(steps[name], variables, f"{sys.executable} {REPOSITORY / 'runner.py'}", project)
        assert process.returncode == 0, process.stderr + process.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["github", "--pipeline", "flats"], "ci needs the platform of the runs"),
        (["github", "--pipeline", "flats", "--vertex", "--cloud-root", "gs://b/x"], "ci needs --image"),
        (["github", "--pipeline", "flats", "--vertex", "--image", "r/i"], "ci needs --cloud-root"),
        (
            ["github", "--pipeline", "flat", "--vertex", "--image", "r/i", "--cloud-root", "gs://b/x"],
            "configs/flat.toml",
        ),
        (
            ["github", "--pipeline", "flats", "--vertex", "--image", "host:5000/i:1", "--cloud-root", "gs://b/x"],
            "write it without a tag",
        ),
    ],
)
def test_wrong_arguments_write_nothing(project, capsys, arguments, message):
    assert parser.main(["ci", *arguments, "--project", str(project)]) == 2
    assert message in capsys.readouterr().err
    assert not (project / ".github").exists()


def test_no_file_is_replaced(project, capsys):
    (project / "cloudbuild.yaml").write_text("mine")
    assert write(project, "cloud-build") == 2
    assert "exists already, and ci replaces nothing" in capsys.readouterr().err
    assert (project / "cloudbuild.yaml").read_text() == "mine"
