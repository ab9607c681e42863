"""Invalid input: exit code and a helpful message, before the first stage."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .. import processes, warm
from ..trees import cold_runner
from ..warm import REPOSITORY
from .conftest import QUICK, runner


def local(tree, *arguments, run=runner, **environment):
    return run("--local", "--root", tree / "runs", *arguments, tree=tree, **environment)


def table(tree):
    return gzip.decompress((tree / "data/houses.csv.gz").read_bytes()).decode()


def write(tree, text):
    (tree / "data/houses.csv.gz").write_bytes(gzip.compress(text.encode()))


def test_an_unknown_pipeline(small_tree):
    result = local(small_tree, "--pipeline", "house", run=cold_runner)
    assert result.code == 2
    assert result.err == "error: no pipeline 'house': configs/house.toml does not exist. Did you mean 'houses'?\n"


def test_an_unknown_key(small_tree):
    result = local(small_tree, "--set", "training.epoch=5")
    assert result.code == 2
    assert result.err == "error: configs/houses.toml: training.epoch is not a known key. Did you mean 'epochs'?\n"


def test_a_missing_data_file(small_tree):
    (small_tree / "data/houses.csv.gz").unlink()
    result = local(small_tree)
    assert result.code == 2
    assert "configs/houses.toml: data.path: there is no file" in result.err


def test_a_missing_column(small_tree):
    write(small_tree, table(small_tree).replace("grade", "grad", 1))
    result = local(small_tree)
    assert result.code == 2
    assert "column 'grade' of the schema is missing. Did you mean 'grad'?" in result.err


def test_a_missing_label(small_tree):
    write(small_tree, table(small_tree).replace("price", "cost", 1))
    result = local(small_tree)
    assert result.code == 2
    assert "the label column 'price' of the schema is missing" in result.err


def test_a_column_that_the_schema_lacks(small_tree):
    result = local(small_tree, "--set", "features.numeric.0.column=sqft_livin")
    assert result.code == 2
    assert result.err == (
        "error: configs/houses.toml: features.numeric names 'sqft_livin', which schemas/houses.pbtxt does not define. "
        "Did you mean 'sqft_living'?\n"
    )


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), ("HEADER", "holds a header line and no rows")])
def test_an_empty_table(small_tree, text, message):
    write(small_tree, table(small_tree).splitlines()[0] + "\n" if text else "")
    result = local(small_tree, run=cold_runner)
    assert result.code == 2
    assert message in result.err
    assert "starting TensorFlow" not in result.out, "found before anything waits for the imports"


def test_a_root_that_cannot_be_written(small_tree, tmp_path):
    (tmp_path / "file").write_text("")
    result = runner("--local", "--root", tmp_path / "file" / "runs", tree=small_tree)
    assert result.code == 5
    assert "cannot be written" in result.err
    assert "--root" in result.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def broken(:\n", "SyntaxError"),
    ],
)
def test_user_code_that_does_not_import_is_rejected(small_tree, text, message):
    path = small_tree / "models/networks/mlp.py"
    path.write_text(path.read_text() + text)
    result = local(small_tree)
    assert result.code == 2
    assert message in result.err
    assert "models/networks/mlp.py, line" in result.err
    assert result.nodes == {}, "no stage may have started"


def test_a_cell_of_the_wrong_type_names_file_column_and_row(small_tree):
    lines = table(small_tree).splitlines()
    cells = lines[5].split(",")
    cells[3] = "three"
    lines[5] = ",".join(cells)
    write(small_tree, "\n".join(lines))
    result = local(small_tree)
    assert result.code == 2
    assert "houses.csv.gz, line 6: column 'bedrooms' holds 'three', which is not INT" in result.err
    assert result.nodes == {}, "no stage may have started"


def test_data_that_differs_from_the_schema_stops_before_transformation(small_tree):
    lines = table(small_tree).splitlines()
    cells = lines[5].split(",")
    cells[3] = "55"
    lines[5] = ",".join(cells)
    write(small_tree, "\n".join(lines))
    result = local(small_tree)
    assert result.code == 3
    assert "the data does not match the approved schema" in result.err
    assert "column 'bedrooms'" in result.err
    assert "55" in result.err
    assert "houses.csv.gz line 6; to accept it: write int_domain { min: 0 max: 55 } for 'bedrooms'" in result.err
    finished = dict.fromkeys(("ingestion", "schema", "statistics", "history"), "done")
    assert result.nodes == {**finished, "validation": "failed"}
    [report] = (small_tree / "runs").glob("houses/runs/*/report.html")
    text = report.read_text()
    assert "A gate refused the data in validation" in text
    assert "houses.csv.gz:6" in text
    assert "report.html could not be written" not in result.err


def test_a_failed_stage_is_named_with_its_log(small_tree):
    path = small_tree / "models/networks/mlp.py"
    several = r"raise RuntimeError('out of luck\nin the second line')  # "
    path.write_text(path.read_text().replace("return dense.hidden", several))
    result = local(small_tree, *QUICK)
    assert result.code == 4
    assert re.search(
        r"^error: stage trainer failed: RuntimeError: out of luck \(models/networks/mlp\.py, line \d+\)$",
        result.err,
        re.MULTILINE,
    )
    [report] = (small_tree / "runs").glob("houses/runs/*/report.html")
    assert '<section id="failure">' in report.read_text()
    log = result.err.split("Its log: ")[1].strip()
    assert "out of luck" in Path(log).read_text()
    assert "Traceback" not in result.err
    verbose = local(small_tree, *QUICK, "-v")
    assert "Traceback" in verbose.err


def test_a_run_whose_reader_goes_away_completes(small_tree):
    """As with `python runner.py --local | head -1`."""
    command = [sys.executable, "runner.py", "--local", "--root", "runs", "--to", "ingestion"]
    with subprocess.Popen(command, cwd=small_tree, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        first_line = run.stdout.readline()
        run.stdout.close()
        errors = run.stderr.read()
    assert first_line
    assert (run.returncode, errors) == (0, "")
    [facts] = (small_tree / "runs/houses/runs").glob("*/run.json")
    assert json.loads(facts.read_text())["state"] == "COMPLETE"


def test_a_run_from_another_folder_with_another_python(tmp_path):
    process = subprocess.run(
        ["/usr/bin/python3", os.path.relpath(REPOSITORY / "runner.py", tmp_path), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert "--local" in process.stdout


def test_the_error_without_an_environment_names_the_next_step(tmp_path):
    shutil.copy(REPOSITORY / "runner.py", tmp_path)
    process = subprocess.run(
        ["/usr/bin/python3", str(tmp_path / "runner.py"), "--local"], capture_output=True, text=True
    )
    assert process.returncode == 2
    assert "make run" in process.stderr
    assert len(process.stderr.splitlines()) == 1


def test_the_error_of_a_missing_postgresql_has_no_password(small_tree):
    result = local(small_tree, "--metadata", "postgresql://me:s3cret-word@127.0.0.1:1/runs")
    assert result.code == 5
    assert "s3cret-word" not in result.err + result.out
    assert "127.0.0.1" in result.err


def only_child(pid):
    (child,) = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return int(child)


@pytest.fixture
def started(small_tree):
    """Start a run and wait for a stage; return its supervisor, its worker's pid, and its root."""
    commands = []

    def start(node):
        root = small_tree / "runs"
        command = warm.shared().start("--local", "--root", root, tree=small_tree)
        commands.append(command)

        def begun():
            events = next(iter(root.glob("houses/runs/*/events.jsonl")), None)
            return events and f'"node": "{node}"' in events.read_text()

        processes.wait_until(begun, lambda: command.out + command.err, seconds=600)
        return command, only_child(only_child(command.pid)), root

    yield start
    for command in commands:
        command.kill()


def test_a_killed_worker_is_a_failed_run(small_tree, started):
    command, worker, root = started("ingestion")
    os.kill(worker, signal.SIGKILL)
    result = command.wait().result()
    assert result.code == 4
    assert "was killed by signal 9" in result.err
    details = runner("inspect", "show", "latest", "--root", root, tree=small_tree)
    assert "FAILED" in details.out
    assert "RUNNING" not in details.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_exits_cleanly(small_tree, started, number):
    command, worker, root = started("statistics")
    os.kill(command.pid, number)
    result = command.wait().result()
    assert result.code == 130
    assert "Traceback" not in result.err
    assert not processes.alive(worker)
    details = runner("inspect", "show", "latest", "--root", root, tree=small_tree)
    assert "CANCELED" in details.out
    assert "RUNNING" not in details.out


def test_a_worker_does_not_outlive_its_supervisor(started):
    command, worker, _ = started("ingestion")
    os.kill(command.pid, signal.SIGKILL)
    assert processes.left([worker]) == []
