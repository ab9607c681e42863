"""Ports for servers of tests."""

import subprocess
import sys

from tests import ports

CODE = "from tests import ports; ports._SPAN = 40; print(*(ports.unused() for _ in range(12)))"


def test_a_port_is_not_given_twice_not_even_to_two_processes(monkeypatch):
    monkeypatch.setattr(ports, "_SPAN", 40)
    mine = [ports.unused() for _ in range(12)]
    process = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    theirs = [int(port) for port in process.stdout.split()]
    assert len({*mine, *theirs}) == 24
