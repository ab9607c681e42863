"""Prism, Beam's runner in Go, for tests: built once per version of Beam and stored in .tools.

As a program (`python3 tests/prism.py`, any Python 3) it builds Prism for the legacy stack before the tests.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGE = "github.com/apache/beam/sdks/v2/go/cmd/prism"
SECONDS = 900


class MissingError(Exception):
    """Prism is neither installed nor can be built."""


def locked():
    """Return the first version of Beam in uv.lock, which is the legacy stack's."""
    with open(os.path.join(ROOT, "uv.lock"), encoding="utf-8") as file:
        return re.search(r'^name = "apache-beam"\nversion = "([^"]+)"', file.read(), re.M).group(1)


def location(version):
    """Return the path of Prism for a version of Beam; build it first if necessary, which takes two minutes.

    Raises:
        MissingError: Go is missing, or the build failed.
    """
    if os.environ.get("PRISM"):
        return os.environ["PRISM"]
    folder = os.path.join(ROOT, ".tools", f"prism-{version}")
    path = os.path.join(folder, "prism")
    if os.access(path, os.X_OK):
        return path
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    if go is None:
        raise MissingError(
            "Go, which builds Prism, is missing: install it, or set the variable PRISM to the path of Prism"
        )
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        # Test processes, and CI's build ahead of them, wait for one build.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.access(path, os.X_OK):
            built = os.path.join(folder, "built")
            completed = subprocess.run(
                [go, "install", f"{PACKAGE}@v{version}"],
                env={**os.environ, "GOBIN": built, "CGO_ENABLED": "0"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
            )
            if completed.returncode:
                last_line = completed.stdout.decode(errors="replace").strip().splitlines()[-1:]
                raise MissingError(f"Prism {version} cannot be built: {' '.join(last_line) or completed.returncode}")
            os.replace(os.path.join(built, "prism"), path)
    return path


if __name__ == "__main__":
    try:
        print(location(sys.argv[1] if len(sys.argv) > 1 else locked()))
    except MissingError as error:
        sys.exit(str(error))
