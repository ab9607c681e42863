"""Each name of a file is defined once, so that who writes it and who reads it cannot differ."""

import ast
from pathlib import Path

from spec import file_names

REPOSITORY = Path(file_names.__file__).parents[1]
PACKAGES = ("spec", "models", "components", "pipeline", "curation", "orchestration", "inspection", "serving")


def test_no_other_module_spells_the_name_of_a_file_out():
    names = {value for key, value in vars(file_names).items() if key.isupper()}
    assert {"run.json", "verdict.json", "trials.csv"} <= names

    spelled = {
        (str(path.relative_to(REPOSITORY)), node.value)
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert {path for path, _ in spelled} == {"spec/file_names.py"}
