"""A killed prediction continues; no row is lost or doubled."""

import os
import shutil
import signal

import numpy as np
import pyarrow as pa
import pytest

from components.inference import prediction_parts
from errors import ResourceError
from orchestration.prediction import predict_file, resumable_parts

from .conftest import BAD, ROWS, read, write


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the code runs for it."""


def killed_at(monkeypatch, number):
    """Let the process die at a certain replacement of a file."""
    replace, count = os.replace, [0]

    def die(source, target):
        count[0] += 1
        if count[0] == number:
            raise Killed
        replace(source, target)

    monkeypatch.setattr(resumable_parts.os, "replace", die)


def test_a_killed_prediction_continues_wherever_it_was(predict_rows, tmp_path, monkeypatch):
    source = write(tmp_path / "rows.csv", [*ROWS, *BAD])
    expected = read(predict_rows(source, "whole.csv")[1])
    predicted = []
    table = predict_file.prediction_table.table
    monkeypatch.setattr(
        predict_file.prediction_table,
        "table",
        lambda rows, *arguments, **options: (predicted.append(rows.first), table(rows, *arguments, **options))[1],
    )
    for number in range(1, 100):
        predicted.clear()
        with monkeypatch.context() as patch:
            killed_at(patch, number)
            try:
                predict_rows(source, f"out{number}.csv")
            except Killed:
                assert not os.path.exists(tmp_path / f"out{number}.csv")
            else:
                break
        predicted_before = len(predicted)
        finished = len(list((tmp_path / f".out{number}.csv.parts").glob("[0-9]*[0-9].json")))
        outcome, target = predict_rows(source, f"out{number}.csv")
        assert read(target) == expected
        assert (outcome.rows, outcome.errors) == (12, 3)
        # Parts that were predicted but not written when the process died are predicted again.
        assert len(predicted) - predicted_before == 6 - finished
        assert predicted_before <= finished + prediction_parts.THREADS + 1
        assert not os.path.exists(tmp_path / f".out{number}.csv.parts")
    assert number == 1 + 1 + 2 * 6 + 1 + 1


def _write_parts(output, last):
    """Write forty parts of three rows, in a process that is killed soon after the last part that it may write."""
    parts = resumable_parts.Parts(output, "csv", {"rows": 120})
    with parts.held(lambda _: None):
        for number in range(len(parts.records), 40):
            if number > last + 2:
                signal.pause()
            rows = pa.table({"row": [3 * number + place for place in range(3)]})
            parts.add(rows, {"rows": 3})
        parts.place()


def test_sigkill_at_random_moments_loses_and_doubles_no_row(tmp_path):
    output, random = str(tmp_path / "out.csv"), np.random.default_rng(7)
    kills = 0
    for _ in range(20):
        if os.path.exists(output):
            break
        last = int(7 * kills + random.integers(7))
        child = os.fork()
        if not child:
            try:
                _write_parts(output, last)
            finally:
                os._exit(0)
        moment = f"{output[: -len('out.csv')]}.out.csv.parts/{last:06d}.json"
        while not os.path.exists(moment) and os.waitpid(child, os.WNOHANG) == (0, 0):
            pass
        if os.path.exists(moment):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1

    assert kills >= 5
    assert [row["row"] for row in read(output)] == list(map(str, range(120)))


def test_parts_of_other_rows_are_not_used(predict_rows, tmp_path, monkeypatch, capsys):
    source = write(tmp_path / "rows.csv", ROWS)
    with monkeypatch.context() as patch:
        killed_at(patch, 8)
        with pytest.raises(Killed):
            predict_rows(source)
    write(source, [*ROWS[:6], BAD[4]])
    shutil.copystat(write(tmp_path / "other.csv", ROWS), source)
    os.utime(source, ns=(1, 1))
    _, target = predict_rows(source)

    assert "are removed from" in capsys.readouterr().err
    assert (
        read(target)[6]["prediction"]
        == read(predict_rows(write(tmp_path / "b.csv", [BAD[4]]), "b_out.csv")[1])[0]["prediction"]
    )


def test_two_processes_do_not_write_one_output(predict_rows, tmp_path):
    source = write(tmp_path / "rows.csv", ROWS)
    held = resumable_parts.Parts(str(tmp_path / "out.csv"), "csv", {})
    with held.held(print), pytest.raises(ResourceError, match="another process writes"):
        predict_rows(source)
