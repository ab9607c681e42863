"""Creation of `.venv` exactly from `uv.lock`; requires only a system Python 3.8 or newer.

    python3 orchestration/setup/install.py [--stack legacy|current]

uv is installed into `.tools/uv`, a suitable Python is found (or fetched), and a stamp inside `.venv` makes the next run
a no-op of 0.05 s. The exit code is 0 if `.venv` is ready, 2 if something must be installed first, 5 if disk space or
network is missing, or the package index is not trusted.

It is one file because it runs before the project can be imported.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import ssl
import sys
import time
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen, SubprocessError
from subprocess import run as call
from typing import NamedTuple, Sequence

ROOT = Path(__file__).resolve().parents[2]
VENV, TOOLS = ROOT / ".venv", ROOT / ".tools"
STAMP, MARK, LOG, UV = VENV / ".stamp", VENV / ".set-up", TOOLS / "set-up.log", TOOLS / "uv" / "bin" / "uv"
UV_VERSION = "0.13.9"
ROOM = 4.0  # GB: an environment takes 3.1, and uv's cache as much again if it is on another disk
SYSTEM_FOLDERS = ("/usr/bin", "/usr/local/bin")
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
RETRY = "and try again"

# Variables that would redirect uv and pip, which are removed, and settings of uv that are passed on.
DIVERTING = re.compile(r"UV_|CONDA_|PYTHON|VIRTUAL_ENV|PIP_(PREFIX|ROOT|TARGET|USER)$")
HARMLESS = re.compile(
    r"UV_(CACHE|CONCURRENT|DEFAULT_INDEX|EXTRA_INDEX|FIND_LINKS|HTTP|INDEX|INSECURE|KEYRING|LINK_MODE|NATIVE_TLS|"
    r"NO_CACHE|OFFLINE|PYTHON_INSTALL_MIRROR|SYSTEM_CERTS)"
)
PROGRESS = re.compile(r"\s*(Downloading .*\(\d{2,}\.\dMiB\)|Building |Prepared |Installed |Bytecode )")
NO_ROOM = re.compile(r"No space left|os error 28|quota exceeded", re.IGNORECASE)
UNTRUSTED = re.compile(r"invalid peer certificate|CERTIFICATE_VERIFY_FAILED|certificate verify failed", re.IGNORECASE)
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Network is unreachable|"
    r"error sending request|client error|dns error|Failed to fetch|name resolution|timed out|Connection refused"
)
PROBE = """
import importlib.util, json, os, sys, sysconfig
if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit("no wheels for it")
headers = os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
venv = importlib.util.find_spec("ensurepip") is not None
print(json.dumps([sys.version_info[1], getattr(sys, "_base_executable", sys.executable), headers, venv]))
"""


class SetupError(Exception):
    """The set-up cannot continue: a sentence that names the fix, and the exit code."""


class UntrustedError(SetupError):
    """A server's certificate is not signed by a known authority, as behind a company proxy."""


class Stack(NamedTuple):
    """One of the two stacks of the lock file."""

    name: str
    tfx: str
    minors: tuple[int, ...]  # of Python 3, in order of preference
    glibc: tuple[int, int]  # the oldest version that its wheels support


class Python(NamedTuple):
    """A working interpreter; the path is its real path, not that of a shim or an environment."""

    minor: int
    path: str
    headers: bool
    venv: bool


LEGACY = Stack("legacy", "1.16", (10,), (2, 17))
CURRENT = Stack("current", "1.21", (13, 12, 11), (2, 39))


def say(text: str) -> None:
    """Print a line of progress and flush it."""
    print(f"set-up: {text}", flush=True)


def packages(apt: Sequence[str], dnf: Sequence[str]) -> str:
    """Return the command that installs these packages with the package manager of this machine."""
    sudo = "sudo " if os.geteuid() else ""
    if shutil.which("dnf") and not shutil.which("apt-get"):
        return f"`{sudo}dnf install -y {' '.join(dnf)}`"
    return f"`{sudo}apt-get update && {sudo}apt-get install -y {' '.join(apt)}`"


def digest(stack: str, runtime: bool) -> str:
    """Return the digest for the stamp: it changes with the lock, dependencies, stack, groups, Python and glibc."""
    sections = re.split(r"(?m)^(?=\[)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    relevant = [text for text in sections if re.match(r"\[(project\]|dependency-groups\]|tool\.uv[.\]])", text)]
    python = re.findall(r"(?m)^version.*", (VENV / "pyvenv.cfg").read_text(encoding="utf-8"))
    parts = "\0".join([*relevant, *python, stack, *groups(runtime), str(glibc())])
    return hashlib.sha256((ROOT / "uv.lock").read_bytes() + parts.encode()).hexdigest()


def groups(runtime: bool) -> tuple[str, ...]:
    """Return the arguments of uv for the dependency groups: without linters and tests to run stages only."""
    if runtime:
        return ("--no-default-groups", "--group", "sql", "--group", "excel")
    # `make docs` and `make quality` have environments of their own.
    return ("--all-groups", "--no-group", "docs", "--no-group", "quality")


def made_here() -> bool:
    """Return whether `.venv` was created in this folder: its scripts contain the path and break if it moves."""
    with contextlib.suppress(OSError):
        return str(VENV) in (VENV / "bin" / "activate").read_text(encoding="utf-8")
    return False


def ready(requested: str | None, runtime: bool = False) -> bool:
    """Return whether the last set-up completed for the same lock and stack, and `.venv` still exists."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        is_same = requested in (stamp["asked"], stamp["stack"]) and stamp["digest"] == digest(stamp["stack"], runtime)
        return is_same and (VENV / "bin" / "python").exists() and made_here()
    return False


def glibc() -> tuple[int, int]:
    """Return the version of glibc; (0, 0) for another C library."""
    library = re.match(r"glibc (\d+)\.(\d+)", " ".join(platform.libc_ver()))
    return (int(library[1]), int(library[2])) if library else (0, 0)


def check_machine() -> None:
    """Raise SetupError if TFX has no wheels for this machine or `.venv` has no disk space."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64") or glibc() < LEGACY.glibc:
        problem = f"TFX has wheels for Linux on x86_64 with glibc only and this is {platform.platform()}"
        docker = "`docker build --platform linux/amd64 -t keras-pipeline . && docker run --rm -it keras-pipeline`"
        raise SetupError(f"{problem}: use such a machine, or {docker}", 2)
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < ROOM and not VENV.exists():
        raise SetupError(
            f"{ROOT} has {free:.1f} GB free and {ROOM:.0f} GB are needed: free disk space there {RETRY}", 5
        )


def ask(path: str) -> Python | None:
    """Query an interpreter; return None if it fails, as the shim of a Python version that is not activated does."""
    with contextlib.suppress(OSError, TypeError, ValueError, SubprocessError):
        answer = call([path, "-I", "-c", PROBE], stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, timeout=30)
        return Python(*json.loads(answer.stdout))
    return None


def find_python(stack: Stack) -> Python | None:
    """Return the best installed interpreter for a stack: with headers first, then the newest, then in order of PATH."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for pyenv in (os.environ.get("PYENV_ROOT"), os.path.expanduser("~/.pyenv")):
        folders += sorted(glob.glob(f"{pyenv}/versions/*/bin"), reverse=True)
    folders += [*SYSTEM_FOLDERS, *glob.glob(f"{TOOLS}/python/*/bin")]
    names = [f"{folder}/python3.{minor}" for minor in stack.minors for folder in dict.fromkeys(folders)]
    pythons = [python for python in map(ask, filter(os.path.exists, names)) if python and python.minor in stack.minors]
    return max(pythons, key=lambda python: python.headers, default=None)


def choose(requested: str | None) -> tuple[Stack, Python]:
    """Return the stack and its interpreter; without a choice of the user the newest stack that this machine can run."""
    if requested == "current" and glibc() < CURRENT.glibc:
        problem = f"this machine has {platform.libc_ver()[1]}"
        fix = "omit STACK=current, or run that stack in a separate root file system with `make test-current`"
        raise SetupError(f"the current stack needs glibc 2.39 (Debian 13, Ubuntu 24.04) but {problem}: {fix}", 2)
    stacks = [stack for stack in (CURRENT, LEGACY) if requested in (None, stack.name) and glibc() >= stack.glibc]
    for stack in stacks:
        python = find_python(stack) or fetch_python(stack)
        if python:
            return stack, python
    names = [f"3.{minor}" for stack in stacks for minor in stack.minors]
    fix = f"install one, for example with `pyenv install {names[0]}`, {RETRY}"
    raise SetupError(f"no Python {' or '.join(names)} was found and none could be fetched: {fix}", 2)


def check_tools(python: Python | None) -> None:
    """Raise SetupError with all tools missing to install uv and to compile pyfarmhash, which has no wheel."""
    missing = []
    if not (uv_made() or any(maker and maker.venv for maker in (python, ask(sys.executable)))):
        missing.append(("Python's venv module", f"python3.{sys.version_info[1]}-venv", "python3"))
    if not (shutil.which("g++") or shutil.which("c++")):
        missing.append(("a C++ compiler", "g++", "gcc-c++"))
    if python and not python.headers:
        missing.append((f"Python.h of {python.path}", f"python3.{python.minor}-dev", f"python3.{python.minor}-devel"))
    if missing:
        names, apt, dnf = ([part[column] for part in missing] for column in range(3))
        raise SetupError(f"{' and '.join(names)} cannot be found: install it with {packages(apt, dnf)} {RETRY}", 2)


def environment() -> dict[str, str]:
    """Return the environment for uv and pip: the user's, without variables that would redirect them."""
    variables = {name: value for name, value in os.environ.items() if HARMLESS.match(name) or not DIVERTING.match(name)}
    places = {"UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_INSTALL_DIR": str(TOOLS / "python")}
    return {**variables, **places, "UV_PYTHON_DOWNLOADS": "manual", "NO_COLOR": "1"}


def system_certificates() -> dict[str, str]:
    """Return the variables that make uv and pip trust this machine's certificates; empty if it has none."""
    configured = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    paths = [path for path in (configured, *CERTIFICATES) if path and os.path.isfile(path)]
    # requests, within pip, prefers its own variable to pip's.
    return {"UV_SYSTEM_CERTS": "1", "PIP_CERT": paths[0], "REQUESTS_CA_BUNDLE": paths[0]} if paths else {}


def run(activity: str, *command: str) -> None:
    """Run a command; if the package index's certificate is not trusted, retry with this machine's certificates."""
    try:
        _run(activity, command, environment())
    except UntrustedError:
        trusted = system_certificates()
        if not trusted:
            raise
        say(f"the package index's certificate is not signed by a public authority: trying {trusted['PIP_CERT']}")
        _run(activity, command, {**environment(), **trusted})


def _run(activity: str, command: Sequence[str], variables: dict[str, str]) -> None:
    """Run a command, print its lines of progress, and write all of its output to the log."""
    process = Popen(command, cwd=str(ROOT), env=variables, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
    with LOG.open("w", encoding="utf-8") as log, process:
        for line in process.stdout or ():
            text = line.decode("utf-8", "replace")
            log.write(text)
            if PROGRESS.match(text):
                say(f"  {text.strip()}")
    if process.returncode:
        raise explain(activity, LOG.read_text(encoding="utf-8"))


def explain(activity: str, log: str) -> SetupError:
    """Return the error for a failed command, in one sentence."""
    if NO_ROOM.search(log):
        return SetupError(f"the disk is full while {activity}: free disk space in {ROOT} or uv's cache {RETRY}", 5)
    if UNTRUSTED.search(log):
        fix = (
            "add your company's certificate authority to this machine's (Debian: copy its .crt file to "
            "/usr/local/share/ca-certificates and run `update-ca-certificates`), or name its file with "
            f"`export SSL_CERT_FILE=FILE.pem`, {RETRY} (see {LOG})"
        )
        return UntrustedError(f"the package index answered {activity} with a certificate that is not trusted: {fix}", 5)
    if NO_NETWORK.search(log):
        fix = f"fix the network, or name its proxy with `export HTTPS_PROXY=http://HOST:PORT`, {RETRY} (see {LOG})"
        return SetupError(f"the package index could not be reached while {activity}: {fix}", 5)
    lines = re.findall(r"(?mi)^\s*((?:error|cause|fatal)\b.*)", log) or log.splitlines() or ["no output"]
    return SetupError(f"{activity} failed ({' '.join(lines[-1].split())}): fix what {LOG} shows {RETRY}", 2)


def uv_made() -> bool:
    """Return whether `.tools/uv` has the pinned uv; another uv on PATH is never used."""
    with contextlib.suppress(OSError, SubprocessError):
        version = call([str(UV), "--version"], stdout=PIPE, stderr=DEVNULL, check=True).stdout
        return version.split()[1:2] == [UV_VERSION.encode()]
    return False


def make_uv(python: Python | None) -> None:
    """Install the pinned uv into `.tools/uv`, with the chosen interpreter or the one that runs this file."""
    check_tools(python)
    if not uv_made():
        say(f"getting uv {UV_VERSION}, about 10 s")
        maker = python.path if python and python.venv else sys.executable
        run("making .tools/uv", maker, "-m", "venv", "--clear", str(TOOLS / "uv"))
        run("getting uv", f"{UV.parent}/python", "-m", "pip", "install", "--retries", "2", f"uv=={UV_VERSION}")


def fetch_python(stack: Stack) -> Python | None:
    """Download a Python into `.tools/python` with uv; None if that fails, as without network access."""
    minor = f"3.{stack.minors[0]}"
    make_uv(None)
    say(f"no Python for TFX {stack.tfx} is installed: fetching {minor}, about 20 s")
    with contextlib.suppress(SetupError):
        run(f"fetching Python {minor}", str(UV), "python", "install", "--no-bin", minor)
    return find_python(stack)


def put_aside() -> None:
    """Rename a `.venv` that no set-up created: clearing it would lose packages that the user installed."""
    if VENV.is_symlink() or (VENV.exists() and not STAMP.exists() and not MARK.exists()):
        aside = VENV.with_name(f".venv.before-{time.strftime('%Y%m%d-%H%M%S')}")
        VENV.rename(aside)
        say(f".venv was not made by this set-up: it is {aside.name} now")


def make_venv(python: Python, runtime: bool) -> None:
    """Make `.venv` match the lock exactly; the result of an interrupted set-up is reused."""
    put_aside()
    if VENV.exists():
        MARK.touch()
    with contextlib.suppress(FileNotFoundError):
        STAMP.unlink()
    existing = ask(str(VENV / "bin" / "python"))
    if not (existing and existing.minor == python.minor and made_here()):
        run("making .venv", str(UV), "venv", "--clear", "--python", python.path, str(VENV))
        MARK.touch()
    # If bytecode cannot be written later, each `import tfx` would take 35 s instead of 10.
    group_options = groups(runtime)
    run("filling .venv", str(UV), "sync", "--frozen", *group_options, "--compile-bytecode", "--python", python.path)


def set_up(requested: str | None, runtime: bool) -> None:
    """Create `.venv` for the requested or the best stack, unless it is up to date."""
    if ready(requested, runtime):
        return
    check_machine()
    import fcntl  # absent on Windows, which check_machine refuses

    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a concurrent set-up waits here
        if ready(requested, runtime):
            return
        started = time.monotonic()
        stack, python = choose(requested)
        make_uv(python)
        say(f"TFX {stack.tfx} with {python.path} into .venv: 1 to 10 minutes, the first time with 1 GB to download")
        make_venv(python, runtime)
        STAMP.write_text(json.dumps({"digest": digest(stack.name, runtime), "stack": stack.name, "asked": requested}))
        say(f"ready after {time.monotonic() - started:.0f} s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the set-up and return the exit code."""
    parser = argparse.ArgumentParser(description="Makes .venv from uv.lock.")
    parser.add_argument("--stack", choices=("legacy", "current"), help="TFX 1.16 or 1.21; by default what fits here")
    parser.add_argument(
        "--runtime", action="store_true", help="without linters and tests, as in the image of the stages"
    )
    message, code = "", 0
    try:
        parsed = parser.parse_args(arguments)
        set_up(parsed.stack, parsed.runtime)
    except SetupError as error:
        message, code = error.args
    except OSError as error:
        message, code = f"{error.filename or ROOT} cannot be used ({error.strerror}): fix that {RETRY}", 5
    except KeyboardInterrupt:
        message, code = "interrupted: the next run continues from here", 130
    if message:
        print(f"set-up: {message}.", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
