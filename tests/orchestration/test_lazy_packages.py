"""Packages whose code runs at first use: it does not run before, and a user of one finds all of it."""

import builtins
import json
import os
import pickle
import subprocess
import sys
import threading
import types

import pytest

from orchestration import lazy_packages

from ..warm import REPOSITORY

UNUSED = (
    "kubernetes",
    "sklearn",
    "keras_tuner",
    "nltk",
    "kfp",
    "matplotlib",
    "botocore",
    "traitlets",
    "tfx_bsl.public.beam",
    "google.cloud.storage",
)
"""Packages that no stage of a run without a tuner needs."""


def python(code, *arguments):
    """Run code in a new process of the repository and return the JSON that it prints last."""
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def worker():
    """What a worker has imported before its first order; then each deferred package is used."""
    return python(
        """
import importlib.util, json, sys
from orchestration import lazy_packages
from orchestration.local import worker
lazy_packages.load(*worker.WARM)
loaded = sorted(sys.modules)
literals = [[m, n, getattr(sys.modules[m], n)] for m, of in lazy_packages.LITERALS.items() for n in of]
kinds = {name: type(sys.modules[name]).__name__ for name in lazy_packages.DEFERRED & set(sys.modules)}
names = {}
for name in sorted(filter(importlib.util.find_spec, lazy_packages.DEFERRED)):
    names[name] = dir(importlib.import_module(name))
from tfx.components import InfraValidator
import tensorflow_model_analysis as tfma, keras, IPython, IPython.core.getipython
import kubernetes, sklearn.base
used = [InfraValidator, tfma.EvalConfig, keras.wrappers.SKLearnRegressor, sklearn.base.clone]
early = [[p, n] for p, of in lazy_packages.EARLY.items() for n, m in of.items()
         if getattr(sys.modules[p], n) is not getattr(importlib.import_module(m), n)]
early += [[m, n] for m, n, value in literals if getattr(sys.modules[m], n) != value]
used = [one.__name__ for one in used]
print(json.dumps({"loaded": loaded, "kinds": kinds, "names": names, "used": used, "early": early}))
"""
    )


def test_a_worker_imports_nothing_that_no_stage_needs(worker):
    assert "tensorflow" in worker["loaded"]
    assert [name for name in UNUSED if name in worker["loaded"]] == []
    waiting = {
        "tfx.components",
        "tensorflow_model_analysis",
        "keras.wrappers",
        "IPython",
        "boto3",
        "google.cloud.bigquery",
        "google.api_core",
        "apache_beam.io.gcp.gcsio",
    }
    assert {name for name, kind in worker["kinds"].items() if kind == "_Deferred"} >= waiting


def test_a_user_of_a_deferred_package_finds_all_of_it(worker):
    # The first use has run each of them.
    real = python(
        """
import importlib.util, json, sys, types
from orchestration import lazy_packages
names, modules = {}, []
for name in sorted(filter(importlib.util.find_spec, lazy_packages.DEFERRED)):  # a stack may lack some
    module = importlib.import_module(name)
    # Some of its modules are imported only by other packages, which are deferred too.
    names[name] = [key for key in dir(module) if f"{name}.{key}" not in sys.modules]
    for key in dir(module) if hasattr(module, "__path__") else ():
        # A deferred package gives a module of this name first.
        if lazy_packages._has_module(module, key) and not isinstance(getattr(module, key), types.ModuleType):
            modules.append(f"{name}.{key}")
print(json.dumps({"names": names, "modules": modules}))
"""
    )
    missing = {name: sorted(set(has) - set(worker["names"][name])) for name, has in real["names"].items()}
    assert {name: has for name, has in missing.items() if has} == {}
    assert real["modules"] == []
    assert worker["used"] == ["InfraValidator", "EvalConfig", "SKLearnRegressor", "clone"]
    assert worker["early"] == []


def test_prediction_imports_no_tfx_components_and_no_beam():
    loaded = python(
        """
import json, sys
import orchestration.prediction.predict_file
print(json.dumps(sorted(sys.modules)))
"""
    )
    assert "tensorflow" in loaded
    assert [name for name in ("apache_beam", "tfx.components", "tensorflow_transform") if name in loaded] == []


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A deferred package of three modules; its code counts how often it runs."""
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "import builtins\nbuiltins.late_runs = getattr(builtins, 'late_runs', 0) + 1\n"
        "from late.part import VALUE\n__version__ = '2'\nSELF = VALUE + 1\n"
    )
    (folder / "part.py").write_text("VALUE = 1\n")
    (folder / "other.py").write_text("VALUE = 5\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lazy_packages, "DEFERRED", frozenset({"late", "absent_package"}))
    monkeypatch.setattr(lazy_packages._FINDER, "deferred", frozenset())
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr("builtins.late_runs", 0, raising=False)
    lazy_packages.load()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "late"]:
        del sys.modules[name]


def runs():
    return vars(builtins)["late_runs"]


def test_the_code_runs_once_at_the_first_name_that_is_missing(package):
    import late
    import late.part

    assert late.part.VALUE == 1
    assert (late.__name__, late.__file__) == ("late", str(package / "__init__.py"))
    assert not hasattr(late, "__warningregistry__")
    assert runs() == 0
    assert late.SELF == 2
    assert late.__version__ == "2"
    assert runs() == 1
    assert type(late) is types.ModuleType


def test_a_module_below_it_is_imported_without_running_it(package):
    from late import other

    assert other.VALUE == 5
    assert runs() == 0


@pytest.mark.parametrize(("name", "value", "times"), [("SIZE", 1000, 0), ("SELF", 2, 1), ("SAME", 1, 1)])
def test_a_number_is_read_from_the_source(package, monkeypatch, name, value, times):
    monkeypatch.setattr(lazy_packages, "LITERALS", {"late": frozenset({name})})
    with open(package / "__init__.py", "a") as file:
        file.write("SIZE = 1_000\nSAME = VALUE\n")
    import late

    assert getattr(late, name) == value
    assert runs() == times


def test_import_of_all_names_runs_it(package):
    names = {}
    exec("from late import *", names)
    assert names["SELF"] == 2


def test_dir_runs_it(package):
    import late

    assert {"SELF", "VALUE"} <= set(dir(late))


def test_a_name_that_does_not_exist_is_an_error(package):
    import late

    with pytest.raises(AttributeError, match=r"'late' has no attribute 'nothing'"):
        late.nothing  # noqa: B018  the attribute is what is tested


def test_an_error_of_its_code_reaches_each_user(package):
    import late

    (package / "part.py").write_text("raise OSError('no disk')\n")
    for _ in range(2):
        with pytest.raises(OSError, match="no disk"):
            late.SELF  # noqa: B018  as above
    (package / "part.py").write_text("VALUE = 10  # and another size\n")
    assert late.SELF == 11


def test_a_package_that_is_not_installed_is_an_import_error(package):
    with pytest.raises(ModuleNotFoundError, match="absent_package"):
        import absent_package  # noqa: F401  its import fails


def test_it_is_pickled_by_its_name(package):
    import late

    assert pickle.loads(pickle.dumps(late)) is late
    assert runs() == 0


def test_its_code_may_look_at_the_package_itself(package):
    (package / "__init__.py").write_text("import late\nBEFORE = hasattr(late, 'AFTER')\nAFTER = 1\n")
    import late

    assert (late.AFTER, late.BEFORE) == (1, False)


def test_a_second_thread_waits_until_its_code_has_run(package, monkeypatch):
    import late

    entered, leave, values = threading.Event(), threading.Event(), []
    monkeypatch.setattr("builtins.late_wait", lambda: (entered.set(), leave.wait(60)), raising=False)
    (package / "part.py").write_text("import builtins\nbuiltins.late_wait()\nVALUE = 1\n")
    threads = [threading.Thread(target=lambda: values.append(late.SELF)) for _ in range(2)]
    threads[0].start()
    assert entered.wait(60)
    threads[1].start()
    # It could only end early if it did not wait.
    threads[1].join(0.2)
    leave.set()
    for thread in threads:
        thread.join()
    assert values == [2, 2]
    assert runs() == 1


def test_start_messages_are_hidden_and_other_output_to_standard_error_is_not(capfd):
    lines = (
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
        "I0000 00:00:1795947061.782137   21824 port.cc:153] oneDNN custom operations are on.\n",
        "E0000 00:00:1795947061.782138   21824 port.cc:154] no memory\n",
        "I0000 is the name of a column\n",
    )

    @lazy_packages.quiet()
    def fail():
        os.write(2, "".join(lines).encode())
        assert capfd.readouterr() == ("", "")
        raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr() == ("", lines[2] + lines[3])
    os.write(2, lines[1].encode())
    assert capfd.readouterr() == ("", lines[1])
