"""--variant all: the runs of several variants, one after the other."""

from errors import UserError
from orchestration.local import supervisor
from pipeline.variants import Name


def test_every_variant_runs_even_if_another_fails(monkeypatch, capsys):
    ended = []

    def run(request, workers):
        ended.append(request.name.run)
        if request.name.variant == "a":
            raise KeyError("a fault of our own")
        if request.name.variant == "b":
            raise UserError("configs/points.toml: wrong")
        return 0

    monkeypatch.setattr(supervisor, "run", run)
    assert supervisor.run_all([supervisor.Request(name=Name("points", variant)) for variant in "abc"]) == 1
    assert ended == ["points-a", "points-b", "points-c"]
    output = capsys.readouterr().err
    assert "points-a: Traceback" in output
    assert "KeyError: 'a fault of our own'" in output
    assert "points-b: configs/points.toml: wrong\n" in output
