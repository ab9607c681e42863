import json
import os
import shutil
import sys
import types
from pathlib import Path

import pytest

import project
from components.fingerprints import code_digest, libraries
from components.ingestion.discovery import formats
from errors import UserError
from models import file_reads
from orchestration.local import resume

REPOSITORY = Path(project.REPOSITORY)
SOURCES = {
    "top.py": "import numpy\nimport pkg.middle\n",
    "pkg/__init__.py": "",
    "pkg/middle.py": "from pkg import deep\n\n\ndef late():\n    from pkg.lazy import x\n    return x\n",
    "pkg/deep.py": "from .sibling import value\nfrom . import other\n",
    "pkg/sibling.py": "value = 1\n",
    "pkg/other.py": "from .inner.bottom import x\n",
    "pkg/inner/__init__.py": "",
    "pkg/inner/bottom.py": "from ..rising import x\n",
    "pkg/rising.py": "import beside\nx = 1\n",
    "pkg/lazy.py": "x = 1\n",
    "pkg/unrelated.py": "y = 1\n",
    "beside.py": "import face\nx = 1\n",
    "face/__init__.py": "from .shown import *\nfrom . import hidden\n",
    "face/shown.py": "z = 1\n",
    "face/hidden.py": "from face import shown as again, missing\n",
    "face/unrelated.py": "",
    "numpy.txt": "",
}
REACHED = [name for name in SOURCES if name.endswith(".py") and "unrelated" not in name]


@pytest.fixture
def sources(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def edit(path):
    path.write_text(path.read_text() + "# edited\n")


@pytest.mark.parametrize("name", REACHED)
def test_an_edit_of_an_imported_module_changes_the_digest(sources, name):
    before = code_digest.code("top")
    edit(sources / name)

    assert code_digest.code("top") != before


@pytest.mark.parametrize("name", ["pkg/unrelated.py", "face/unrelated.py", "numpy.txt"])
def test_an_edit_of_another_file_does_not_change_the_digest(sources, name):
    before = code_digest.code("top")
    edit(sources / name)

    assert code_digest.code("top") == before


def test_moving_a_line_to_another_module_changes_the_digest(sources):
    before = code_digest.code("pkg.sibling", "pkg.lazy")
    (sources / "pkg/sibling.py").write_text("")
    (sources / "pkg/lazy.py").write_text("x = 1\nvalue = 1\n")

    assert code_digest.code("pkg.sibling", "pkg.lazy") != before


def test_the_order_of_modules_does_not_change_the_digest(sources):
    digest = code_digest.code("top", "pkg.unrelated")

    assert code_digest.code("pkg.unrelated", "top") == digest
    assert code_digest.code("top") != digest
    edit(sources / "pkg/unrelated.py")
    assert code_digest.code("top", "pkg.unrelated") != digest


def test_circular_imports_have_a_digest(sources):
    (sources / "pkg/sibling.py").write_text("import top\n")

    assert len(code_digest.code("top")) == 16


@pytest.mark.parametrize(
    ("modules", "reached", "not_reached"),
    [
        (
            ["models.transform_graph.preprocessing"],
            ["spec/columns/duties.py", "spec/settings.py"],
            ["models/training/run_fn.py", "errors.py"],
        ),
        (
            ["models.training.run_fn", "models.networks.mlp"],
            ["models/networks/mlp.py", "models/tasks/targets.py", "spec/training.py", "models/__init__.py"],
            ["models/networks/linear.py", "models/transform_graph/preprocessing.py"],
        ),
        (
            ["components.ingestion.executor", *formats.modules(None)],
            [
                *(
                    f"components/ingestion/{name}.py"
                    for name in ("rows/split_assignment", "readers/csv", "readers/images", "rows/row_expressions")
                ),
                "errors.py",
                "manifest.py",
                "project.py",
                "spec/settings.py",
            ],
            ["components/evaluator/sums/accumulators.py", "spec/columns/duties.py"],
        ),
        (
            ["components.evaluator.executor"],
            ["components/evaluator/rules/blessing.py", "components/evaluator/tfma/tfma_results.py"],
            ["components/ingestion/rows/split_assignment.py", "models/training/run_fn.py"],
        ),
    ],
)
def test_the_digest_of_a_stage_covers_its_code_and_no_other_stage(tmp_path, monkeypatch, modules, reached, not_reached):
    for name in ("models", "components", "spec", "serving"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    for name in ("buckets.py", "errors.py", "manifest.py", "project.py"):
        shutil.copy(REPOSITORY / name, tmp_path)
    before = code_digest.code(*modules)
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    assert code_digest.code(*modules) == before

    for name in not_reached:
        edit(tmp_path / name)
    assert code_digest.code(*modules) == before
    for name in reached:
        edit(tmp_path / name)
        changed = code_digest.code(*modules)
        assert changed != before, name
        before = changed


def test_changed_content_of_equal_size_and_time_changes_the_digest(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a\n1\n")
    before, stat = code_digest.file(str(path)), path.stat()
    assert code_digest.file(str(path)) == before

    path.write_text("a\n2\n")
    # The kernel's clock ticks every few milliseconds; two manual edits are never within one tick.
    while path.stat().st_ctime_ns == stat.st_ctime_ns or path.stat().st_mtime_ns != stat.st_mtime_ns:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert path.stat().st_size == stat.st_size
    assert code_digest.file(str(path)) != before


def test_a_replaced_file_has_another_digest(tmp_path):
    path, replacement = tmp_path / "data.csv", tmp_path / "other.csv"
    path.write_text("a\n1\n")
    before = code_digest.file(str(path))
    replacement.write_text("a\n2\n")
    os.utime(replacement, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    os.replace(replacement, path)

    assert code_digest.file(str(path)) != before


def test_equal_content_of_many_blocks_has_an_equal_digest(tmp_path, monkeypatch):
    monkeypatch.setattr(file_reads, "BLOCK_BYTES", 10)
    text = "a,b\n" + "1,2\n" * 100
    (tmp_path / "one.csv").write_text(text)
    (tmp_path / "two.csv").write_text(text)
    (tmp_path / "longer.csv").write_text(text + "1,3\n")
    first, second, longer = (code_digest.file(str(tmp_path / f"{name}.csv")) for name in ("one", "two", "longer"))

    assert first == second != longer


def test_an_edit_within_the_resolution_of_timestamps_changes_the_digest(tmp_path):
    path = tmp_path / "data.csv"
    for number in range(200):
        path.write_text(f"a\n{number:03d}\n")
        os.utime(path, ns=(1, 1))
        assert code_digest.file(str(path)) == code_digest.text(path.read_bytes()), number


def test_loaded_source_keeps_its_digest_after_an_edit_of_the_file(sources, monkeypatch):
    monkeypatch.setattr(code_digest, "_pinned", {})
    (sources / "face/__init__.py").write_text("")
    before = code_digest.code("pkg.sibling"), code_digest.code("pkg.lazy"), code_digest.code("beside")
    code_digest.pin_packages()
    module = types.ModuleType("pkg.sibling")
    module.__file__ = str(sources / "pkg/sibling.py")
    monkeypatch.setitem(sys.modules, "pkg.sibling", module)
    for name in ("pkg/sibling.py", "pkg/lazy.py", "beside.py"):
        edit(sources / name)
    assert code_digest.code("pkg.sibling") == before[0]
    assert code_digest.code("pkg.lazy") == before[1]
    assert code_digest.code("beside") != before[2], "in no package"

    code_digest.pin("pkg.lazy")
    assert code_digest.code("pkg.sibling") == before[0]
    assert code_digest.code("pkg.lazy") != before[1], "not loaded yet"


class Stage:
    @code_digest.checked
    def Do(self, input_dict, output_dict, exec_properties):  # noqa: N802  TFX's name
        output_dict["done"] = True


AS_PARAMETERS = {
    "ours": lambda code: {"code": json.dumps(code)},
    "stock": lambda code: {"custom_config": json.dumps({"code": code})},
}


@pytest.mark.parametrize("kind", AS_PARAMETERS)
def test_a_stage_rejects_parameters_that_were_created_for_other_code(sources, kind):
    wrap = AS_PARAMETERS[kind]
    (sources / "pkg/words.txt").write_text("a")
    (sources / "pkg/lazy.py").write_text('NAME = "words.txt"\n')
    parameters, outputs = code_digest.stage("pkg.lazy"), {}
    assert parameters["files"] == {"pkg/words.txt": code_digest.text(b"a")}
    Stage().Do({}, outputs, wrap(parameters))
    assert outputs

    (sources / "pkg/words.txt").write_text("b")
    with pytest.raises(
        UserError, match=r"^pkg/words\.txt differs from the version that this step was created with .*build the image"
    ):
        Stage().Do({}, {}, wrap(parameters))
    (sources / "pkg/words.txt").unlink()
    edit(sources / "pkg/lazy.py")
    foreign, digest = parameters["sources"], code_digest.stage("pkg.lazy")["sources"]
    with pytest.raises(
        UserError, match=rf"^the code of pkg\.lazy and pkg/words\.txt differ .*{foreign}, here {digest}\)"
    ):
        Stage().Do({}, {}, wrap(parameters))


def test_a_stage_without_a_digest_of_its_code_runs():
    for properties in ({}, {"code": ""}, {"custom_config": "null"}, {"custom_config": '{"settings": {}}'}):
        outputs = {}
        Stage().Do({}, outputs, properties)
        assert outputs


def test_the_libraries_of_all_stages_are_found_without_the_metadata_of_all_packages():
    libraries._installed.cache_clear()
    libraries._distributions.cache_clear()
    found = code_digest.libraries_of(*resume.CODE)

    assert libraries._distributions.cache_info().misses == 0
    assert {"grpcio", "tensorflow-serving-api", "tensorflow"} <= {part.split()[0] for part in found.split(", ")}


@pytest.mark.parametrize("module", ["grpc", "tensorflow_serving"])
def test_the_names_of_libraries_are_those_of_the_metadata(module):
    assert libraries._distributions()[module][0].lower() == libraries.NAMES[module]
