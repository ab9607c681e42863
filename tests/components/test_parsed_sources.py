"""The stored results of parsing: equal to parsing, never those of another source, and without effect when damaged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import project
from components.fingerprints import code_digest, parsed_sources, source_imports
from orchestration.preflight import user_imports

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """An empty repository, in which nothing has been parsed."""
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    monkeypatch.delenv(project.VARIABLE, raising=False)
    forget()
    yield tmp_path
    forget()


def forget():
    """Act as a new process."""
    parsed_sources._new.clear()
    parsed_sources.read.cache_clear()
    parsed_sources._stored.cache_clear()
    user_imports._parsed.cache_clear()


def parsed(monkeypatch):
    """Return a list of the sources that are parsed from now on."""
    texts, parse = [], source_imports.read
    monkeypatch.setattr(source_imports, "read", lambda package, text: texts.append(text) or parse(package, text))
    return texts


def stored(repository):
    return repository / parsed_sources.FOLDER / parsed_sources.FILE


def test_stored_results_equal_parsing_for_all_modules_of_the_repository(repository, monkeypatch):
    sources = {
        (".".join(path.relative_to(ROOT).parent.parts), path.read_bytes())
        for folder in ("components", "models", "pipeline", "spec", "orchestration")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    for package, text in sources:
        parsed_sources.read(package, text)
    parsed_sources.save()
    forget()
    texts = parsed(monkeypatch)
    stored_results = {source: parsed_sources.read(*source) for source in sources}
    assert texts == []
    monkeypatch.undo()
    assert stored_results == {source: source_imports.read(*source) for source in sources}


def test_an_edit_of_equal_size_and_time_is_parsed(repository, monkeypatch):
    path = repository / "helper.py"
    path.write_text("import a\n")
    stat = path.stat()
    assert code_digest.sources("helper").keys() == {"helper"}
    forget()
    texts = parsed(monkeypatch)
    assert code_digest.sources("helper").keys() == {"helper"}
    assert texts == []
    (repository / "b.py").write_text("")
    path.write_text("import b\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert code_digest.sources("helper").keys() == {"helper", "b"}
    assert texts == [b"import b\n", b""]


def test_the_check_of_imports_finds_the_same_in_stored_results(repository, monkeypatch):
    (repository / "helper.py").write_text("import os\nfrom other import absent\n\nimport not_there\n")
    (repository / "other.py").write_text("present = 1\n")
    monkeypatch.setattr(user_imports, "OURS", ())
    findings = user_imports.check(["helper"])
    assert findings == [
        "helper.py, line 2: other defines no 'absent'. Did you mean 'present'?",
        "helper.py, line 4: there is no module 'not_there'",
    ]
    forget()
    monkeypatch.setattr(user_imports, "_facts", None)
    assert user_imports.check(["helper"]) == findings
    monkeypatch.undo()
    monkeypatch.setattr(project, "REPOSITORY", str(repository))
    monkeypatch.setattr(user_imports, "OURS", ())
    (repository / "other.py").write_text("absents = 1\n")
    (repository / "helper.py").write_text("from other import absent\ndef\n")
    [finding] = user_imports.check(["helper"])
    assert finding.startswith("helper.py, line 2: this is not Python")


def test_relative_imports_depend_on_the_package(repository):
    text = b"from . import near\n"
    first_module = parsed_sources.read("a", text)
    parsed_sources.save()
    forget()
    assert "b.near" in parsed_sources.read("b", text).imports
    assert "a.near" in first_module.imports


@pytest.mark.parametrize("damage", ["a flipped bit", "cut", "empty", "no text"])
def test_a_damaged_file_is_not_used_and_is_written_again(repository, damage, monkeypatch):
    parsed_sources.read("", b"import real_name\n")
    parsed_sources.save()
    path = stored(repository)
    content = path.read_bytes()
    damaged = {
        "a flipped bit": content.replace(b"real_name", b"seal_name"),
        "cut": content[:-10],
        "empty": b"",
        "no text": b"\xff\xfe\n",
    }[damage]
    assert damaged != content
    path.write_bytes(damaged)
    forget()
    assert parsed_sources.read("", b"import real_name\n").imports == {"real_name"}
    parsed_sources.save()
    assert path.read_bytes() == content


def test_other_rules_of_parsing_make_other_entries(repository, monkeypatch):
    parsed_sources.read("", b"import a\n")
    parsed_sources.save()
    forget()
    monkeypatch.setattr(parsed_sources, "_RULES", "other")
    texts = parsed(monkeypatch)
    parsed_sources.read("", b"import a\n")
    assert texts == [b"import a\n"]


def test_a_repository_that_cannot_be_written_is_parsed(repository, monkeypatch):
    (repository / parsed_sources.FOLDER).write_text("a file in place of the folder")
    assert parsed_sources.read("", b"import a\n").imports == {"a"}
    parsed_sources.save()
    forget()
    assert parsed_sources.read("", b"import a\n").imports == {"a"}


def test_entries_of_processes_at_the_same_time_are_joined_and_limited(repository, monkeypatch):
    parsed_sources.read("", b"import a\n")
    code = (
        "import sys, project; project.REPOSITORY = sys.argv[1]\n"
        "from components.fingerprints import parsed_sources\n"
        "parsed_sources.read('', b'import b'); parsed_sources.save()"
    )
    subprocess.run([sys.executable, "-c", code, str(repository)], cwd=ROOT, check=True)
    parsed_sources.save()
    entries = json.loads(stored(repository).read_text().partition("\n")[2])
    assert sorted(entry[0] for entry in entries.values()) == [["a"], ["b"]]
    monkeypatch.setattr(parsed_sources, "KEPT", 1)
    parsed_sources.read("", b"import c\n")
    parsed_sources.save()
    entries = json.loads(stored(repository).read_text().partition("\n")[2])
    assert [entry[0] for entry in entries.values()] == [["c"]]
    assert os.listdir(stored(repository).parent) == [parsed_sources.FILE]
