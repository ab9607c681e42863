"""Another Beam engine on the command line."""

import json

from orchestration.cli.parser import main
from tests import ports


def test_beam_arguments_may_begin_with_a_hyphen(capsys):
    assert main(["doctor", "--beam", "--runner=Nonsense"]) == 2
    assert "is not a runner of Beam" in capsys.readouterr().err
    assert main(["doctor", "--beam", "--runner='x"]) == 2
    assert "close the quote" in capsys.readouterr().err


def test_doctor_reports_a_dead_endpoint_once(capsys):
    beam = f"--runner=PortableRunner --job_endpoint=127.0.0.1:{ports.unused()}"
    assert main(["doctor", "points", "--json", "--beam", beam]) == 5
    printed = json.loads(capsys.readouterr().out)
    [check] = [check for check in printed["checks"] if check["check"] == "engine"]
    assert not check["ok"]
    assert "nothing listens on this port" in check["text"]
