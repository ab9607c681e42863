"""What the documents say is what there is."""

import ast
import re
import shlex
import subprocess
import types
from collections import Counter
from pathlib import Path, PurePath

import pytest
import tomli
from pydantic import TypeAdapter, ValidationError

from docs.generate import config_tables, generated_blocks, site_hooks
from orchestration.cli.parser import parser

from . import source_files

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *generated_blocks.pages(),
]
LINK = re.compile(r"(?<!!)\[(?:[^\]\[\\]|\\.)*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
REGENERATE = "run `.venv/bin/python -m docs.generate` (or `make docs`) and commit the pages"


def named(path):
    return str(path.relative_to(ROOT))


def written_by_hand(path):
    """A page without its generated blocks."""
    return generated_blocks.BLOCK.sub("", path.read_text())


def anchors(path):
    """The ids of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    titles = [re.sub(r"[`*\\]", "", title) for title in re.findall(r"^#{1,6} (.+)$", text, re.M)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def commands(path):
    """The commands of `runner.py` that a page shows, in code and in blocks of code."""
    text = written_by_hand(path)
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    texts = [line.strip() for line in lines] + re.findall(r"`([^`]+)`", prose)
    return [re.split(r"\s[#>|]\s", line.partition("runner.py ")[2])[0] for line in texts if "python runner.py " in line]


@pytest.mark.parametrize("path", generated_blocks.pages(), ids=named)
def test_the_generated_reference_is_current(path):
    text = path.read_text()
    assert generated_blocks.fill(text) == text, f"{named(path)} is not current: {REGENERATE}"


def test_every_block_of_the_reference_is_generated():
    for path in generated_blocks.pages():
        begun = path.read_text().count("<!-- generated: ")
        assert begun == len(generated_blocks.blocks(path.read_text())), f"{named(path)}: a block has no end"


def test_every_section_of_the_config_and_every_command_has_a_block():
    blocks = {block for path in generated_blocks.pages() for block in generated_blocks.blocks(path.read_text())}
    sections = {argument for name, argument in blocks if name in ("keys", "groups")} | {"network"}
    nested = {key for key, field in config_tables.Config.model_fields.items() if key not in sections}
    assert {key for key in nested if config_tables.model_of(config_tables.Config.model_fields[key].annotation)} == set()
    assert ("networks", "") in blocks
    assert {argument for name, argument in blocks if name == "command"} == {
        "",
        *generated_blocks.command_tables.commands(parser()),
    }


@pytest.mark.parametrize("model", config_tables.models(), ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_every_config_key_has_a_docstring(model):
    assert list(config_tables.rows(model)) or not model.model_fields


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_link_and_anchor_leads_somewhere(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    for texts in LINK.findall(re.sub(r"`[^`]*`", "", text)):
        target, _, anchor = "".join(texts).partition("#")
        if "://" in target:
            continue
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), f"{named(path)} links to {target}, which does not exist"
        if anchor:
            assert anchor in anchors(file), f"{named(path)} links to {target}#{anchor}: that page has no such heading"


def test_no_page_is_longer_than_300_lines():
    """The changelog grows with each version, and is read from its head."""
    for path in PAGES:
        if path.name == "CHANGELOG.md":
            continue
        assert path.read_text().count("\n") <= 300, named(path)


def test_decisions_are_numbered_records_that_the_index_lists():
    folder = ROOT / "docs/decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    index = re.findall(r"^\| (\d{4}) \| \[(.+)\]\((.+)\) \|$", (folder / "README.md").read_text(), re.M)
    assert [name for _, _, name in index] == [path.name for path in records]
    for number, (path, (listed_number, title, _)) in enumerate(zip(records, index, strict=True), 1):
        text = path.read_text()
        assert path.name.startswith(f"{number:04d}-"), path.name
        assert listed_number == path.name[:4]
        assert text.startswith(f"# {number}. {title}\n")
        assert re.findall(r"^## (.+)$", text, re.M) == ["Status", "Context", "Decision", "Consequences"]


KEYS = {field.alias or key for model in config_tables.models() for key, field in model.model_fields.items()}
NO_KEYS = {"features.vector"}
"""Names in the documents that look like a dotted key and are none."""


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_dotted_key_in_the_documents_is_known(path):
    text = path.read_text()
    keys = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)[` =]", text) + re.findall(r'^"([a-z_.]+)" = ', text, re.M)
    for key in keys:
        section, *names = key.split(".")
        if section in config_tables.Config.model_fields and key not in NO_KEYS:
            assert KEYS.issuperset(names), f"{named(path)} names {key}"


def toml_snippets():
    for path in PAGES:
        for number, text in enumerate(re.findall(r"^```toml\n(.*?)^```", path.read_text(), re.M | re.S), 1):
            yield pytest.param(text, id=f"{named(path)}-{number}")


@pytest.mark.parametrize("text", [*toml_snippets()])
def test_every_toml_snippet_has_known_keys_and_valid_values(text):
    for section, value in tomli.loads(text).items():
        assert section == "variant" or section in config_tables.Config.model_fields, section
        if section in ("variant", "network"):
            continue
        try:
            TypeAdapter(config_tables.Config.model_fields[section].annotation).validate_python(value)
        except ValidationError as error:
            # A snippet need not be a whole section.
            wrong = [fault for fault in error.errors() if fault["type"] != "missing" and fault["loc"]]
            assert not wrong, f"[{section}]: {wrong}"


def test_toml_snippets_are_found_and_their_keys_looked_at():
    assert len(list(toml_snippets())) >= 4
    with pytest.raises(AssertionError, match="sclie"):
        test_every_toml_snippet_has_known_keys_and_valid_values(
            '[evaluation]\nrules = [{metric = "mae", sclie = "a", floor = 1}]'
        )


def test_the_changelog_keeps_its_format_and_names_the_version():
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (.+)$", text, re.M)
    assert versions[0] == "[Unreleased]"
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert re.fullmatch(rf"\[{re.escape(project[1])}\] - \d{{4}}-\d{{2}}-\d{{2}}", versions[1])
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= kinds


def test_the_site_has_every_page():
    nav = site_hooks.on_config({"docs_dir": str(ROOT / "docs")})["nav"]
    leaves, open_ = [], [nav]
    while open_:
        item = open_.pop()
        if isinstance(item, str):
            leaves.append(item)
        else:
            open_ += item.values() if isinstance(item, dict) else item
    assert sorted(leaves) == sorted(str(path.relative_to(ROOT / "docs")) for path in generated_blocks.pages())


@pytest.mark.parametrize("loads", ['<script src="https://a.org/b.js">', "<img alt=x src=//a.org/b.png>"])
def test_a_page_of_the_site_that_loads_from_another_host_is_an_error(loads):
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="a.md"))
    assert site_hooks.on_post_page('<a href="https://a.org"><img src="b.png">', page, None)
    with pytest.raises(ValueError, match=r"a\.md loads from another host"):
        site_hooks.on_post_page(f"<p>{loads}", page, None)


def test_pages_that_the_code_names_exist():
    for name in source_files.names():
        if name.endswith((".py", ".toml", ".sh")) or name == "Makefile":
            for page in re.findall(r"\bdocs/[\w/.-]+\.md", (ROOT / name).read_text()):
                assert (ROOT / page).is_file(), f"{name} names {page}"


def test_the_tree_in_the_readme_is_the_disk_s():
    text = (ROOT / "README.md").read_text()
    tree = text.split("## Where things are")[1].split("```")[1]
    listed = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.strip()}
    folders = {name.split("/")[0] for name in source_files.names() if "/" in name and not name.startswith(".")}
    modules = {name for name in source_files.names() if name.endswith(".py") and "/" not in name}
    assert listed == folders | modules


def test_every_file_named_in_the_documents_exists():
    for document in map(named, PAGES):
        if document.startswith(("docs/tutorial/", "docs/how-to/")):
            continue  # commands of these pages make files; tests/e2e/test_docs_pages.py runs them
        text = (ROOT / document).read_text()
        for name in re.findall(
            r"(?<!/)\b(?:tests/)?(?:components|models|pipeline|configs|schemas|data|docs|spec|serving|tests)/[\w/.]+\.\w+",
            text,
        ):
            assert (ROOT / name).exists() or "NAME" in name, f"{document} names {name}"


def test_every_make_target_is_in_the_help_and_at_most_ten():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M)) - {"set-up"}
    result = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets == set(re.findall(r"make ([a-z-]+)", result.split("STACK=")[0]))
    assert len(targets - {"help"}) <= 11


def test_the_readme_is_a_landing_page():
    assert (ROOT / "README.md").read_text().count("\n") <= 120


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_command_in_the_documents_parses(path):
    for command in commands(path):
        if command != "...":
            try:
                parser().parse_args(shlex.split(command.replace("--beam ", "--beam=")))
            except SystemExit:
                pytest.fail(f"{named(path)}: python runner.py {command}")


def test_the_overview_lists_every_command():
    listed = {shlex.split(command)[0] for command in commands(ROOT / "docs/reference/commands.md")}
    assert listed >= {*generated_blocks.command_tables.commands(parser()), "--local", "--kubeflow", "--vertex"}


def test_commands_are_found_in_the_documents():
    assert len(commands(ROOT / "README.md")) >= 10
    assert len(commands(ROOT / "docs/reference/commands.md")) >= 30


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_make_target_in_the_documents_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for target in re.findall(r"`(?:[A-Z]+=\S+ )*make (?:[A-Z]+=\S+ )*([a-z-]+)", path.read_text()):
        assert target in targets, f"{named(path)}: make {target}"


def test_no_python_file_is_longer_than_a_room():
    for name in source_files.names():
        if name.endswith(".py"):
            text = (ROOT / name).read_text()
            assert text.count("\n") <= 300 or "one file because" in text[:2000], name


def test_no_folder_has_more_than_fifteen_modules_and_no_file_name_is_used_twice():
    modules = [PurePath(name) for name in source_files.names() if name.endswith(".py")]
    modules = [module for module in modules if module.name not in ("__init__.py", "__main__.py", "conftest.py")]
    sizes = Counter(str(module.parent) for module in modules if module.parts[0] != "tests")
    assert {folder: size for folder, size in sizes.items() if size > 15} == {}
    names = Counter(module.name for module in modules if module.name not in ("component.py", "executor.py"))
    assert [name for name, uses in names.items() if uses > 1] == ["perceptron.py"]  # decision 0061 says why


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
