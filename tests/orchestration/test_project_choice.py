"""Selection of a project, `init`, and invalid projects."""

import json
import os
import sys
from pathlib import Path

import pytest

import project
from errors import ResourceError, UserError
from orchestration.cli import parser
from orchestration.local.supervisor import Request
from orchestration.projects import project_creation, project_selection
from pipeline.variants import Name


@pytest.fixture(autouse=True)
def path_and_variable(monkeypatch, tmp_path):
    """The working folder is empty, and the process is as before after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    # Set first, so that it is unset after the test whatever the test itself sets.
    monkeypatch.setenv(project.VARIABLE, "")
    monkeypatch.delenv(project.VARIABLE)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def make_project(tmp_path):
    """Make a project of a name."""

    def make(name):
        return Path(project_creation.create(str(tmp_path / name)).folder)

    return make


def chosen(flag=None):
    project_selection.choose(flag)
    return Path(project.folder())


def test_flag_comes_before_variable_and_variable_before_the_working_folder(make_project, monkeypatch):
    flagged, named, working_folder = make_project("flagged"), make_project("named"), make_project("here")
    assert chosen() == Path(project.REPOSITORY)
    monkeypatch.chdir(working_folder)
    assert chosen() == working_folder
    monkeypatch.setenv(project.VARIABLE, str(named))
    assert chosen() == named
    assert chosen(str(flagged)) == flagged


def test_the_repository_is_chosen_by_its_path_and_by_an_empty_variable(make_project, monkeypatch):
    folder = make_project("here")
    monkeypatch.setenv(project.VARIABLE, "")
    assert chosen() == Path(project.REPOSITORY)
    monkeypatch.chdir(folder)
    assert chosen() == folder
    assert chosen(project.REPOSITORY) == Path(project.REPOSITORY)
    assert project.VARIABLE not in os.environ
    assert project_selection.runs_folder() == "runs"


def test_a_subfolder_of_a_project_is_not_the_project(make_project, monkeypatch):
    monkeypatch.chdir(make_project("here") / "configs")
    assert chosen() == Path(project.REPOSITORY)


def test_relative_paths_and_links_refer_to_the_same_project(make_project, monkeypatch, tmp_path):
    folder = make_project("here")
    (tmp_path / "link").symlink_to(folder)
    assert chosen("../here") == chosen("../link") == folder
    assert project_selection.runs_folder() == str(folder / "runs")
    assert project_selection.shown_flag() == ["--project", str(folder)]
    monkeypatch.chdir(folder)
    assert project_selection.shown_flag() == []


def test_processes_import_the_code_of_repository_and_project(make_project):
    folder = chosen(str(make_project("here")))
    assert project.environment() == {
        "PYTHONPATH": f"{project.REPOSITORY}{os.pathsep}{folder}",
        project.VARIABLE: str(folder),
    }
    assert sys.path[-1] == str(folder)


def test_a_command_that_is_shown_names_the_project(make_project):
    folder = chosen(str(make_project("here")))
    request = Request(name=Name("flats"), root=project_selection.runs_folder())
    assert request.again == f"python runner.py --local --project {folder} --pipeline flats"


@pytest.mark.parametrize(
    "command",
    [
        "new a b",
        "schema infer a",
        "schema diff a",
        "schema approve a",
        "tune a",
        "push a",
        "inspect runs",
        "ui",
        "schedule list",
        "schedule systemd a",
        "doctor a",
    ],
)
def test_every_command_takes_the_project_before_and_after_its_name(command):
    words = command.split()
    assert parser.parser().parse_args([*words, "--project", "x"]).project == "x"
    assert parser.parser().parse_args(["--project", "x", *words]).project == "x"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gone", None, "--project {path}: {path} does not exist: create it with `python runner.py init DIR`"),
        ("plain", None, "is not a project folder: it has no pipeline-project.toml"),
        ("file", None, "{path} is not a folder"),
        ("made", "format = ", "pipeline-project.toml is not TOML: "),
        ("made", b"\xff", "pipeline-project.toml is not TOML: "),
        ("made", "", "format is None, and this version of the pipeline reads 1"),
        ("made", "format = 2", "format is 2, and this version of the pipeline reads 1"),
        ("made", "format = true", "format is True"),
        ("made", "format = 1\nname = 'x'", "name is not a known key: the only one is format"),
    ],
)
def test_a_folder_that_is_not_a_project_is_rejected(make_project, tmp_path, name, text, message):
    path = tmp_path / name
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").write_text("")
    if text is not None:
        (make_project("made") / project.FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        chosen(str(path))
    assert message.replace("{path}", str(path)) in str(caught.value)
    assert chosen() == Path(project.REPOSITORY), "another folder was taken in its place"


def test_a_project_without_its_folders_is_rejected(make_project):
    folder = make_project("here")
    (folder / "schemas" / ".gitkeep").unlink()
    (folder / "schemas").rmdir()
    with pytest.raises(UserError, match="here has no folder schemas/, which a project needs: create it"):
        chosen(str(folder))


def test_the_error_of_a_pipeline_that_the_project_lacks_names_its_folder(make_project):
    from pipeline import load

    folder = chosen(str(make_project("here")))
    with pytest.raises(UserError, match=f"no pipeline 'houses': {folder}/configs/houses.toml does not exist"):
        load.load(str(folder), "houses")


def test_the_error_of_an_invalid_variable_names_it(monkeypatch):
    monkeypatch.setenv(project.VARIABLE, "/no/such")
    with pytest.raises(UserError, match=r"^PIPELINE_PROJECT=/no/such: /no/such does not exist"):
        chosen()


def test_the_error_of_an_unreadable_folder_names_it(make_project, monkeypatch):
    folder = make_project("here")

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(ResourceError, match=rf"--project {folder}: {folder} cannot be read \(Permission denied\)"):
        chosen(str(folder))


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("random.py", "Python's standard library"),
        ("keras.py", "an installed package"),
        ("models/__init__.py", "the pipeline itself"),
        ("errors.py", "the pipeline itself"),
    ],
)
def test_a_module_that_would_hide_another_is_rejected(make_project, name, owner):
    path = make_project("here") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    with pytest.raises(UserError, match=rf"here/{name.split('/')[0]} has the name of a module of {owner}: rename it"):
        chosen(str(path.parents[name.count("/")]))


def test_folders_that_no_run_imports_may_have_any_name(make_project):
    folder = make_project("here")
    for name in ("tests/__init__.py", "docs/conf.py", "json/notes.txt", "not-a-module.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    assert chosen(str(folder)) == folder


def test_init_prints_what_it_writes(tmp_path, capsys):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").write_text("mine")
    (tmp_path / "there" / "data").mkdir()
    (tmp_path / "there" / "data" / "a.csv").write_text("a\n")
    assert parser.main(["init", str(tmp_path / "there")]) == 0
    printed = [line.strip().rstrip("/") for line in capsys.readouterr().out.splitlines()[1:-2]]
    entries = {path.relative_to(tmp_path / "there").parts[0] for path in (tmp_path / "there").rglob("*")}
    assert set(printed) == entries - {"notes.txt", "data"}
    assert (tmp_path / "there" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "there" / "data" / ".gitkeep").exists()


@pytest.mark.parametrize("name", ["README.md", "my_features.py", ".gitignore", "configs"])
def test_init_overwrites_nothing(tmp_path, name):
    (tmp_path / name).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=f"has {name} already, and init replaces nothing"):
        project_creation.create(str(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / name).read_text() == "mine"


def test_init_rejects_a_project_and_a_file(make_project, tmp_path):
    folder = make_project("here")
    with pytest.raises(UserError, match="here is a project already"):
        project_creation.create(str(folder))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file is not a folder"):
        project_creation.create(str(tmp_path / "file"))


def test_init_names_the_written_files_if_the_disk_is_full(tmp_path, monkeypatch):
    real = open

    def refuse(path, *arguments, **more):
        if str(path).endswith("README.md"):
            raise OSError(28, "No space left on device", path)
        return real(path, *arguments, **more)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ResourceError, match=r"README.md cannot be written \(No space.*; written so far: .*my_features"):
        project_creation.create(str(tmp_path / "new"))
    assert not (tmp_path / "new" / project.FILE).exists()


def test_a_package_of_the_pipeline_hides_a_folder_of_the_project(make_project):
    from pipeline import user_code

    folder = chosen(str(make_project("here")))
    (folder / "models").mkdir()
    (folder / "models" / "mine.py").write_text("def build(features, settings): ...\n")
    with pytest.raises(UserError, match=r"models is a package of the pipeline itself, so models/mine.py of .* cannot"):
        user_code.check_function("models.mine.build")


def test_paths_in_cache_keys_do_not_depend_on_where_the_project_is(make_project, tmp_path):
    from components.fingerprints import code_digest

    described = []
    for name in ("one", "two"):
        folder = chosen(str(make_project(name)))
        (folder / "my_list.json").write_text("[1]")
        (folder / "my_features.py").write_text('FILE = "my_list.json"\n')
        described.append(code_digest.stage("my_features", "spec.gates", files=["my_list.json"]))
        sys.path.remove(str(folder))
    assert described[0] == described[1]
    assert described[0]["files"] == {"my_list.json": described[0]["files"]["my_list.json"]}
    (folder / "my_list.json").write_text("[2]")
    assert code_digest.stage("my_features", "spec.gates", files=["my_list.json"]) != described[1]
    assert json.dumps(described[0])
