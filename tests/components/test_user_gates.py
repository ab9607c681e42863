"""Gates of a user's own: tests/extensions/my_gate.py, copied into a project outside of the repository."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from components.fingerprints import code_digest
from components.validation import gate_catalog
from errors import GateError, UserError
from orchestration.local import resume
from orchestration.preflight import _code
from pipeline import load
from pipeline.config import Config
from pipeline.variants import Name

from ..flats import one, rows

EXAMPLE = Path(__file__).parents[1] / "extensions" / "my_gate.py"
TABLE = 'gates.custom={"my_gate.min_distinct" = {columns = {city = 3}}}'
BLOCK = 'gates.custom={"my_gate.min_distinct" = {columns = {city = 3}, action = "block"}}'


@pytest.fixture
def my_project(flats, example_project):
    example_project("my_gate")
    return flats


def test_a_user_s_gate_warns_or_blocks(my_project, gated):
    my_project.data(my_project.HEADER + rows(40, city=lambda row: "Bern" if row % 2 else "Chur"))
    finding = one(gated.found(TABLE))

    assert (finding["gate"], finding["column"], finding["action"]) == ("my_gate.min_distinct", "city", "warn")
    assert finding["text"] == "2 distinct values, below the limit of 3"
    assert set(finding["splits"]) == {"train", "eval", "test"}
    with pytest.raises(GateError, match=r"my_gate\.min_distinct: column 'city': 2 distinct values, below the limit"):
        gated(BLOCK)
    assert one(gated.found(BLOCK, advisory=True))["action"] == "warn"
    assert gated.found('gates.custom={"my_gate.min_distinct" = {columns = {city = 2}}}') == []


def test_the_code_of_a_user_s_gate_is_part_of_the_cache_key(my_project, tmp_path):
    def digest():
        config = load.reviewed(str(my_project.root), Name("flats"), [TABLE]).config
        assert "my_gate" in resume.code_modules(config)
        assert "my_gate" in config.gates.modules()
        return code_digest.stage(*config.gates.modules())["sources"]

    before = digest()
    file = tmp_path / "project" / "my_gate.py"
    file.write_text(file.read_text().replace("< limit", "<= limit"))

    assert digest() != before


def test_preflight_reads_a_user_s_gate(my_project, tmp_path):
    config = load.reviewed(str(my_project.root), Name("flats"), [TABLE]).config
    assert "my_gate" in _code(config)
    (tmp_path / "project" / "my_gate.py").write_text("import missing_library\n\ndef min_distinct(): ...\n")
    with pytest.raises(UserError, match=r"my_gate\.py, line 1: there is no module 'missing_library'"):
        _code(config)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("min_distinct", "must name a module and a function"),
        ("my_gates.min_distinct", r"there is no file my_gates\.py"),
        ("my_gate.min_distnct", r"my_gate\.py defines no 'min_distnct'\. Did you mean 'min_distinct'\?"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(my_project, path, message):
    sections = {"data": {"path": "x"}, "features": {"numeric": [{"column": "area"}]}, "label": {"column": "rent"}}
    with pytest.raises(ValidationError, match=rf"gates\n.*custom: .*{message}"):
        Config.model_validate({**sections, "gates": {"custom": [path]}})


def test_settings_of_a_user_s_gate_are_validated(my_project):
    with pytest.raises(UserError, match=r'gates\.custom\."my_gate\.min_distinct": columns: Field required'):
        gate_catalog.user_gate("my_gate.min_distinct", {})
    with pytest.raises(UserError, match=r"column: Extra .* Known keys: action, columns$"):
        gate_catalog.user_gate("my_gate.min_distinct", {"columns": {}, "column": {}})
    with pytest.raises(
        UserError, match=r"'my_gate\.Finding_' is not a function: expected Finding_\(context, settings\)"
    ):
        gate_catalog.user_gate("my_gate.Finding_", {})


def test_a_gate_in_the_folder_is_found_by_its_file(my_project, tmp_path, monkeypatch):
    folder = tmp_path / "gates"
    folder.mkdir()
    (folder / "distinct_gate.py").write_text(EXAMPLE.read_text().replace("def min_distinct", "def judge"))
    monkeypatch.setattr(gate_catalog.gates, "__path__", [*gate_catalog.gates.__path__, str(folder)])

    assert gate_catalog.module_names()["distinct"] == "components.validation.gates.distinct_gate"
    assert list(gate_catalog.Gates.model_fields) == ["custom", *sorted(set(gate_catalog.module_names()) - {"distinct"})]


def test_findings_are_json(my_project, gated):
    my_project.data(my_project.HEADER + rows(40, city=lambda row: "Bern"))
    artifact = gated(TABLE)

    assert one(json.loads(Path(artifact.uri, "gates.json").read_text()))["limit"] == 3
