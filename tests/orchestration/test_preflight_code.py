"""Preflight analyses user code without executing it."""

import pytest

import project
from orchestration.preflight import user_imports


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    monkeypatch.setattr(user_imports, "OURS", ())

    def run(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        return user_imports.check(list(modules)[:1])

    return run


@pytest.mark.parametrize(
    "text",
    [
        "import os, numpy.linalg\nfrom tensorflow.keras import layers\n",
        "from helper import size, SIZE\nimport helper\n",
        "try:\n    import no_such_module\nexcept ImportError:\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from no_such_module import x\n",
        "raise RuntimeError('run')\n",
    ],
    ids=["libraries", "a module beside it", "tried", "for the type checker", "is not run"],
)
def test_code_whose_imports_exist_passes(check, text):
    assert check(mine=text, helper="SIZE = 3\n\n\ndef size():\n    return SIZE\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n\ndef f(:\n", r"mine.py, line 3: this is not Python: "),
        ("x = 1\nreturn x\n", r"mine.py, line 2: this is not Python: 'return' outside function"),
        ("import os\nimport no_such_module\n", r"mine.py, line 2: there is no module 'no_such_module'"),
        ("def f():\n    import no_such.module\n", r"mine.py, line 2: there is no module 'no_such.module'"),
        ("from helper import sise\n", r"mine.py, line 1: helper defines no 'sise'. Did you mean 'size'?"),
        ("import helper\n", r"helper.py, line 1: there is no module 'absent'"),
    ],
    ids=["syntax", "return", "import", "within a function", "name", "deeper"],
)
def test_the_error_of_a_failing_import_names_file_and_line(check, text, message):
    helper = "import absent\nsize = 3\n" if "deeper" in message or "absent" in message else "size = 3\n"
    [line] = check(mine=text, helper=helper)

    assert line.startswith(message)


def test_the_repositorys_own_code_passes():
    assert user_imports.check(["models.networks.mlp", "models.networks.cnn", "orchestration.local.worker"]) == []
