"""What the documents say is what there is."""

import ast
import re
import subprocess
import typing
from pathlib import Path

import pytest

from models.strict import Strict
from pipeline import config, network

ROOT = Path(__file__).parents[1]
SKIPPED = {"model_config"}


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def models_within(annotation):
    """The typed models that an annotation holds, itself or deeper."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_within(field.annotation)
    for argument in typing.get_args(annotation):
        yield from models_within(argument)


MODELS = [
    *dict.fromkeys(models_within(config.Config)),
    *(network.network_settings(name) for name in network.networks()),
]


@pytest.mark.parametrize("model", MODELS)
def test_every_config_key_is_documented(model):
    text = (ROOT / "docs/reference/configuration/data.md").read_text()
    words = set(re.findall(r"\w+", text))
    for key, field in model.model_fields.items():
        assert (field.alias or key) in words, f"docs/reference/configuration/data.md lacks {key}"


def test_the_tree_in_the_readme_is_the_disk_s():
    text = (ROOT / "README.md").read_text()
    tree = text.split("## Where things are")[1].split("```")[1]
    shown = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.strip()}
    there = {name.split("/")[0] for name in tracked() if "/" in name and not name.startswith(".")}
    modules = {name for name in tracked() if name.endswith(".py") and "/" not in name}
    assert shown == there | modules


def test_every_file_named_in_the_documents_exists():
    for document in ["README.md", *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]:
        text = (ROOT / document).read_text()
        for name in re.findall(
            r"\b(?:tests/)?(?:components|models|pipeline|configs|schemas|data|docs)/[\w/.]+\.\w+", text
        ):
            assert (ROOT / name).exists() or "NAME" in name, f"{document} names {name}"


def test_every_make_target_is_in_the_help_and_at_most_nine():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M)) - {"set-up"}
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets == set(re.findall(r"make ([a-z-]+)", shown.split("STACK=")[0]))
    assert len(targets - {"help"}) <= 9


def test_the_readme_is_a_landing_page():
    assert (ROOT / "README.md").read_text().count("\n") <= 120


@pytest.mark.parametrize(("document", "least"), [("README.md", 10), ("docs/reference/commands.md", 30)])
def test_every_command_in_the_documents_parses(document, least):
    from orchestration.command import parser

    commands = re.findall(r"`python runner\.py ([^`]*)`", (ROOT / document).read_text())
    assert len(commands) >= least
    for command in commands:
        import shlex

        if command != "...":
            parser().parse_args(shlex.split(command))


def test_no_python_file_is_longer_than_a_room():
    for name in tracked():
        if name.endswith(".py"):
            text = (ROOT / name).read_text()
            assert text.count("\n") <= 300 or "one file because" in text[:2000], name


def test_errors_import_nothing():
    tree = ast.parse((ROOT / "errors.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_every_config_has_a_schema_and_the_other_way_round():
    configs = {path.stem for path in (ROOT / "configs").glob("*.toml")}
    assert configs == {path.stem for path in (ROOT / "schemas").glob("*.pbtxt")}
    assert "houses" in configs


def test_help_answers_at_once_without_tensorflow():
    import sys

    code = "import sys; import runner; runner.main(['inspect', '--help'])"
    probe = subprocess.run([sys.executable, "-X", "importtime", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert probe.returncode == 0
    for package in ("tensorflow", "tfx", "ml_metadata", "pydantic", "rich"):
        assert f" {package}\n" not in probe.stderr
