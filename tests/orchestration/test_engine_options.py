"""Another Beam engine on the command line."""

import json
import socket

from orchestration.cli.parser import main


def test_beam_arguments_may_begin_with_a_hyphen(capsys):
    assert main(["doctor", "--beam", "--runner=Nonsense"]) == 2
    assert "is not a runner of Beam" in capsys.readouterr().err
    assert main(["doctor", "--beam", "--runner='x"]) == 2
    assert "close the quote" in capsys.readouterr().err


def test_doctor_reports_a_dead_endpoint_once(capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    beam = f"--runner=PortableRunner --job_endpoint=127.0.0.1:{port}"
    assert main(["doctor", "points", "--json", "--beam", beam]) == 5
    printed = json.loads(capsys.readouterr().out)
    [check] = [check for check in printed["checks"] if check["check"] == "engine"]
    assert not check["ok"]
    assert "nothing listens on this port" in check["text"]
