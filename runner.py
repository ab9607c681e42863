#!/usr/bin/env python3
"""Entry point: python runner.py --local | --kubeflow | --vertex, and the commands."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(HERE, ".venv", "bin", "python")


def reexecute():
    # type: () -> None
    """Restart with the Python of .venv, which has the packages; exit with a message if it does not exist."""
    if os.path.realpath(sys.prefix) == os.path.realpath(os.path.join(HERE, ".venv")):
        return
    if not os.access(PYTHON, os.X_OK):
        sys.stderr.write("The packages are not installed yet: run `make run` in %s, which installs them.\n" % HERE)
        sys.exit(2)
    os.execv(PYTHON, [PYTHON, os.path.abspath(__file__)] + sys.argv[1:])


if __name__ == "__main__":
    reexecute()

if HERE not in sys.path:
    sys.path.insert(0, HERE)

from orchestration.cli.parser import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
