#!/usr/bin/env python3
"""The one door: python runner.py --local | --kubeflow | --vertex, and the commands. Parses arguments, then imports."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(HERE, ".venv", "bin", "python")


def reexecute():
    # type: () -> None
    """Go on with .venv's Python, which has the packages; say what to do where there is none."""
    if os.path.realpath(sys.prefix) == os.path.realpath(os.path.join(HERE, ".venv")):
        return
    if not os.access(PYTHON, os.X_OK):
        sys.stderr.write("The packages are not installed yet: run `make run` in %s, which does it.\n" % HERE)
        sys.exit(2)
    os.execv(PYTHON, [PYTHON, os.path.abspath(__file__)] + sys.argv[1:])


if __name__ == "__main__":
    reexecute()

if HERE not in sys.path:
    sys.path.insert(0, HERE)

from orchestration.cli.parser import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
