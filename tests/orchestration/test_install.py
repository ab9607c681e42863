"""Set-up with fake interpreters, uv and C libraries, each a short shell script. Nothing is downloaded.

It is one file because all tests share the simulated machine.
"""

import ast
import collections
import fcntl
import importlib.util
import json
import os
import platform
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "orchestration" / "setup" / "install.py"

PYTHON = """\
if [ "$1" = -I ]; then echo '{answer}'; exit; fi
[ "$2" = venv ] && {venv} || exit 9
mkdir -p "$4/bin"
cp "$HOME/pip" "$4/bin/python"
"""

UV = """\
echo "$*" >>"$HOME/uv.log"
env >"$HOME/uv.env"
case $1 in
--version) echo "uv {version}" ;;
venv)
  rm -rf "$5"
  mkdir -p "$5/bin"
  ln -s "$4" "$5/bin/python"
  echo "VIRTUAL_ENV='$5'" >"$5/bin/activate"
  echo "version_info = $4" >"$5/pyvenv.cfg"
  ;;
sync) if [ -e "$HOME/failure" ]; then cat "$HOME/failure"; exit 1; fi; echo "Installed 2 packages in 3ms" ;;
python)
  [ -e "$HOME/python" ] || exit 1
  mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython/bin"
  cp "$HOME/python" "$UV_PYTHON_INSTALL_DIR/cpython/bin/python$4"
  ;;
esac
"""


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}")
    path.chmod(0o755)
    return path


class Place:
    """A checkout on a simulated machine: a copy of install.py, one folder on PATH and a home."""

    def __init__(self, folder):
        self.root, self.bin, self.home = folder / "a checkout", folder / "bin", folder / "home"
        self.home.mkdir()
        (self.root / "orchestration" / "setup").mkdir(parents=True)
        shutil.copy(SOURCE, self.root / "orchestration" / "setup")
        (self.root / "uv.lock").write_text("version = 1\n")
        (self.root / "pyproject.toml").write_text('[project]\ndependencies = ["tfx"]\n[tool.ruff]\nline-length = 120\n')
        self.load()
        script(self.bin / "g++", "")
        self.uv = script(self.home / "uv", UV.format(version=self.install.UV_VERSION))
        script(self.home / "pip", 'echo "$*" >>"$HOME/pip.log"; cp "$HOME/uv" "${0%python}uv"')

    def load(self):
        spec = importlib.util.spec_from_file_location("copied_install", self.root / "orchestration/setup/install.py")
        install: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(install)
        install.SYSTEM_FOLDERS = ()
        self.install = install

    def python(self, minor, folder=None, headers=True, venv=True):
        path = (folder or self.bin) / f"python3.{minor}"
        return script(path, PYTHON.format(answer=json.dumps([minor, str(path), headers, venv]), venv=str(venv).lower()))

    def calls(self):
        """Return the calls of uv since the last time, without those for its version."""
        log = self.home / "uv.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return [line.replace(f"{self.root}/", "") for line in lines if line != "--version"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    machine: Any = Place(tmp_path)
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("PATH", str(machine.bin))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.setattr(sys, "executable", str(machine.python(8, machine.home)))
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    machine.glibc = lambda version: monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", version))
    machine.glibc("2.36")
    usage = collections.namedtuple("usage", "free")
    machine.free = lambda size: monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(size))
    machine.free(50e9)
    return machine


def venv_calls(path):
    return [
        f"venv --clear --python {path} .venv",
        f"sync --frozen --all-groups --no-group docs --no-group quality --compile-bytecode --python {path}",
    ]


def test_the_first_run_installs_everything_and_the_second_nothing(place, capsys):
    python = place.python(10)
    script(place.bin / "uv", f"touch {place.home}/wrong")
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)
    assert f"uv=={place.install.UV_VERSION}" in (place.home / "pip.log").read_text()
    assert "Installed 2 packages" in capsys.readouterr().out

    assert place.install.main([]) == 0
    assert (place.home / "uv.log").read_text() == "", "not even uv's version is asked for"
    assert capsys.readouterr() == ("", "")
    assert not (place.home / "wrong").exists(), "the user's own uv has no part in it"


def test_a_shim_without_a_version_is_skipped(place, monkeypatch):
    script(place.bin / "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    monkeypatch.setenv("PYENV_ROOT", str(place.home / "pyenv"))
    python = place.python(10, place.home / "pyenv" / "versions" / "3.10.13" / "bin")
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)


def test_an_interpreter_of_another_version_than_its_name_is_skipped(place):
    script(place.bin / "python3.10", PYTHON.format(answer=json.dumps([12, "/elsewhere", True, True]), venv="true"))
    assert place.install.find_python(place.install.LEGACY) is None


def test_an_interpreter_with_headers_is_preferred_to_a_newer_one_without(place):
    place.glibc("2.41")
    place.python(13, headers=False)
    place.python(11)
    python = place.python(12)
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)


@pytest.mark.parametrize(("glibc", "minor"), [("2.36", 10), ("2.38", 10), ("2.39", 13), ("3.0", 13)])
def test_the_version_of_glibc_selects_the_stack(place, glibc, minor):
    place.glibc(glibc)
    pythons = {number: place.python(number) for number in (10, 11, 13)}
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(pythons[minor])


def test_the_selected_stack_is_installed_and_the_next_run_without_a_selection_returns_to_the_default(place):
    place.glibc("2.41")
    legacy, current = place.python(10), place.python(13)
    assert place.install.main(["--stack", "legacy"]) == 0
    assert place.calls() == venv_calls(legacy)
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(current)
    assert place.install.main(["--stack", "current"]) == 0
    assert place.calls() == [], "that is what stands there"


def test_the_current_stack_is_rejected_on_an_old_glibc(place, capsys):
    place.python(13)
    assert place.install.main(["--stack", "current"]) == 2
    error = capsys.readouterr().err
    assert "needs glibc 2.39" in error
    assert "this machine has 2.36" in error
    assert "`make test-current`" in error
    assert place.calls() == []


def test_the_legacy_stack_is_used_if_no_newer_python_is_available(place):
    place.glibc("2.41")
    python = place.python(10)
    assert place.install.main([]) == 0
    assert place.calls() == ["python install --no-bin 3.13", *venv_calls(python)]


def test_a_missing_python_is_downloaded(place):
    shutil.copy(place.python(10, place.home / "kept"), place.home / "python")
    assert place.install.main([]) == 0
    assert place.calls() == ["python install --no-bin 3.10", *venv_calls(place.home / "kept" / "python3.10")]


def test_the_error_without_any_python(place, capsys):
    place.python(11)
    assert place.install.main([]) == 2
    error = "no Python 3.10 was found and none could be fetched: install one, for example with `pyenv install 3.10`"
    assert error in capsys.readouterr().err


def test_one_sentence_lists_everything_that_is_missing(place, monkeypatch, capsys):
    python = place.python(10, headers=False, venv=False)
    monkeypatch.setattr(sys, "executable", str(place.python(8, place.home, venv=False)))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (place.bin / "g++").unlink()
    venv_package = f"python3.{sys.version_info[1]}-venv"
    assert place.install.main([]) == 2
    assert capsys.readouterr().err == (
        f"set-up: Python's venv module and a C++ compiler and Python.h of {python} cannot be found: install it with "
        f"`apt-get update && apt-get install -y {venv_package} g++ python3.10-dev` and try again.\n"
    )
    script(place.bin / "dnf", "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert place.install.main([]) == 2
    assert "`sudo dnf install -y python3 gcc-c++ python3.10-devel`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("system", "machine", "libc"),
    [
        ("Darwin", "arm64", ("", "")),
        ("Windows", "AMD64", ("", "")),
        ("Linux", "aarch64", ("glibc", "2.41")),
        ("Linux", "x86_64", ("", "")),
        ("Linux", "x86_64", ("glibc", "2.12")),
    ],
)
def test_a_machine_without_wheels_is_rejected(place, monkeypatch, capsys, system, machine, libc):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    assert place.install.main([]) == 2
    assert "wheels for Linux on x86_64 with glibc only" in (error := capsys.readouterr().err)
    assert "`docker build" in error
    assert not (place.root / ".tools").exists()


def test_disk_space_is_checked_first(place, capsys):
    place.python(10)
    place.free(1.25e9)
    assert place.install.main([]) == 5
    assert f"{place.root} has 1.2 GB free and 4 GB are needed" in capsys.readouterr().err
    (place.root / ".venv").mkdir()
    assert place.install.main([]) == 0, "what is half made has taken its room already"


@pytest.mark.parametrize(
    ("change", "is_installed"),
    [
        (("pyproject.toml", '"tfx"', '"tfx", "torch"'), True),
        (("pyproject.toml", "line-length = 120", "line-length = 100"), False),
        (("uv.lock", "version = 1", "version = 2"), True),
        ((".venv/pyvenv.cfg", "version_info = ", "version_info = 9"), True),
        ((".venv/.stamp", "{", "{{"), True),
        ((".venv/.stamp", '"asked"', '"wanted"'), True),
    ],
)
def test_changes_that_make_the_next_run_install_again(place, change, is_installed):
    python = place.python(10)
    place.install.main([])
    place.calls()
    name, old_text, new_text = change
    text = (place.root / name).read_text()
    assert old_text in text
    (place.root / name).write_text(text.replace(old_text, new_text))
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)[1:] * is_installed
    assert (place.home / "pip.log").read_text().count("uv==") == 1


def test_another_c_library_makes_the_next_run_install_again(place):
    python = place.python(10)
    place.install.main([])
    place.calls()
    place.glibc("2.37")
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)[1:]


def test_a_removed_python_causes_a_new_environment(place):
    removed, remaining = place.python(10), place.python(10, place.home / ".pyenv" / "versions" / "3.10.1" / "bin")
    place.install.main([])
    assert place.calls() == venv_calls(removed)
    removed.unlink()
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(remaining)


def test_a_moved_checkout_causes_a_new_environment(place):
    python = place.python(10)
    place.install.main([])
    place.calls()
    place.root = place.root.rename(place.root.with_name("moved"))
    place.load()
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)


def test_an_environment_that_set_up_did_not_create_is_moved_away(place, capsys):
    python, foreign = place.python(10), place.home / "mine"
    (foreign / "bin").mkdir(parents=True)
    (foreign / "precious").write_text("precious")
    shutil.copytree(foreign, place.root / ".venv")
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)
    [aside] = place.root.glob(".venv.before-*")
    assert (aside / "precious").read_text() == "precious"
    assert f".venv was not made by this set-up: it is {aside.name} now" in capsys.readouterr().out


def test_a_link_at_the_path_of_the_environment_is_moved_away_and_not_followed(place):
    """As to the environment of another checkout, which is whole and has a stamp."""
    python = place.python(10)
    place.install.main([])
    place.calls()
    foreign = place.home / "other"
    shutil.move(place.root / ".venv", foreign)
    (place.root / ".venv").symlink_to(foreign)
    (foreign / ".stamp").write_text("{}")
    entries = sorted(path.name for path in foreign.iterdir())
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)
    assert sorted(path.name for path in foreign.iterdir()) == entries
    assert not (place.root / ".venv").is_symlink()


def test_an_interrupted_set_up_is_detected_and_resumed(place):
    python = place.python(10)
    (place.home / "failure").write_text("killed\n")
    assert place.install.main([]) == 2
    assert place.calls() == venv_calls(python)
    (place.home / "failure").unlink()
    assert place.install.main([]) == 0
    assert place.calls() == venv_calls(python)[1:], "the environment that was begun is filled up"
    (place.home / "failure").write_text("killed\n")
    (place.root / "uv.lock").write_text("another")
    assert place.install.main([]) == 2
    (place.root / "uv.lock").write_text("version = 1\n")
    assert not place.install.ready(None), "half of the other lock is in there"


@pytest.mark.parametrize(
    ("message", "code", "sentence"),
    [
        (
            "error: Failed to install: x\n  cause: No space left on device (os error 28)\n",
            5,
            "the disk is full while filling .venv",
        ),
        ("error: error sending request for url\n  cause: dns error\n", 5, "index could not be reached"),
        (
            "error: Failed to fetch\n  cause: client error\n  cause: invalid peer certificate: UnknownIssuer\n",
            5,
            "index answered filling .venv with a certificate that is not trusted: add your company's",
        ),
        ("error: boom\n  cause: a  bug\nhint: x", 2, "filling .venv failed (cause: a bug): fix what"),
        ("Killed", 2, "filling .venv failed (Killed)"),
        ("", 2, "filling .venv failed (no output)"),
    ],
)
def test_a_failed_set_up_prints_one_sentence(place, capsys, message, code, sentence):
    place.python(10)
    (place.home / "failure").write_text(message)
    assert place.install.main([]) == code
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert (place.root / ".tools" / "set-up.log").read_text() == message


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_the_certificates_of_this_machine_are_used_for_a_package_index(place, monkeypatch, capsys, tool):
    authority = place.home / "company.pem"
    authority.write_text("a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "UV_SYSTEM_CERTS"):
        monkeypatch.delenv(name, raising=False)
    place.python(10)
    refusal = {
        "uv": "error: invalid peer certificate: UnknownIssuer",
        "pip": "WARNING: SSLError(1, [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed)",
    }[tool]
    certificate_variables = {
        "uv": '"$UV_SYSTEM_CERTS"',
        "pip": '"$(cat "$PIP_CERT" "$REQUESTS_CA_BUNDLE" 2>/dev/null)"',
    }[tool]
    script_of = place.uv if tool == "uv" else place.home / "pip"
    commands = script_of.read_text().split("\n", 2)[2]
    script(
        script_of,
        f'case $1 in -m|sync) [ -n {certificate_variables} ] || {{ echo "{refusal}"; exit 1; }} ;; esac\n{commands}',
    )
    assert place.install.main([]) == 0
    message = f"certificate is not signed by a public authority: trying {authority}\n"
    assert message in capsys.readouterr().out
    assert "UV_SYSTEM_CERTS=1" in (place.home / "uv.env").read_text() or tool == "pip"


@pytest.mark.parametrize("chosen", [True, False])
def test_uv_is_installed_with_an_interpreter_that_has_venv(place, monkeypatch, chosen):
    place.python(10, venv=chosen)
    monkeypatch.setattr(sys, "executable", str(place.python(8, place.home, venv=not chosen)))
    assert place.install.main([]) == 0


def test_the_error_without_a_network_names_uv(place, capsys):
    place.python(10)
    script(
        place.home / "pip",
        "echo 'WARNING: Retrying after NewConnectionError'; echo 'ERROR: No matching distribution'; exit 1",
    )
    assert place.install.main([]) == 5
    assert "could not be reached while getting uv: fix the network" in capsys.readouterr().err


def test_an_old_or_broken_uv_is_replaced(place):
    place.python(10)
    script(place.root / ".tools" / "uv" / "bin" / "uv", "echo uv 0.1.0")
    assert place.install.main([]) == 0
    assert place.install.uv_made()


def test_variables_of_python_and_uv_are_dropped_and_those_of_the_network_are_kept(place, monkeypatch):
    place.python(10)
    dropped = (
        "UV_PROJECT_ENVIRONMENT UV_NO_DEV UV_PYTHON VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME PIP_TARGET PIP_USER"
    )
    network_variables = (
        "UV_INDEX_URL UV_DEFAULT_INDEX UV_HTTP_TIMEOUT PIP_INDEX_URL PIP_CERT HTTPS_PROXY SSL_CERT_FILE UV_CACHE_DIR"
    )
    for name in f"{dropped} {network_variables}".split():
        monkeypatch.setenv(name, "/strange")
    assert place.install.main([]) == 0
    environment = dict(line.partition("=")[::2] for line in (place.home / "uv.env").read_text().splitlines())
    assert environment["UV_PROJECT_ENVIRONMENT"] == str(place.root / ".venv")
    assert environment["UV_PYTHON_DOWNLOADS"] == "manual"
    assert environment["UV_PYTHON_INSTALL_DIR"] == str(place.root / ".tools" / "python")
    strange = {name for name, value in environment.items() if value == "/strange"}
    assert strange == set(network_variables.split())


def test_a_second_set_up_waits_for_the_first(place):
    python = place.python(10)
    (place.root / ".tools").mkdir()
    with (place.root / ".tools" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threads = [threading.Thread(target=place.install.main, args=([],)) for _ in range(2)]
        for thread in threads:
            thread.start()
        threads[0].join(0.3)
        assert place.calls() == []
    for thread in threads:
        thread.join(30)
    assert place.calls() == venv_calls(python)


def test_the_error_of_a_read_only_folder_names_it(place, capsys):
    place.python(10)
    (place.root / ".tools").write_text("")
    assert place.install.main([]) == 5
    assert f"set-up: {place.root}/.tools cannot be used (File exists)" in capsys.readouterr().err


def test_a_stop_by_the_user_prints_no_traceback(place, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(place.install, "set_up", stop)
    assert place.install.main([]) == 130
    assert "the next run continues from here" in capsys.readouterr().err


def test_set_up_runs_on_python_3_8_with_only_the_standard_library():
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 8))
    imported = [
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
