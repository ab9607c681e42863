"""Other Beam engines: the same pipeline gives the same bytes on each of them.

Prism is built with Go. Flink's job server cannot be had from a package index: FLINK_JOB_SERVER_JAR names its jar, or
FLINK_JOB_ENDPOINT the HOST:PORT of one that runs.
"""

import contextlib
import gzip
import itertools
import json
import os
from pathlib import Path

import pytest

from .. import engines
from ..warm import REPOSITORY
from .conftest import runner

FILES = 3
EACH = 6
"""Each sixth row is enough: a split of a file is one batch with all rows too."""
FEATURES = {
    "bucketized": """[{column = "fare", quantiles = 20},
      {column = "dropoff_latitude", quantiles = 10, missing = "category"},
      {column = "dropoff_longitude", quantiles = 10, missing = "category"}]""",
    "categorical": """[{column = "payment_type", encode = "one_hot", oov = 1},
      {column = "dropoff_community_area", encode = "one_hot", oov = 1, missing = "category"}]""",
    "embedded": '[{column = "company", dimension = 8, oov = 1, missing = "category"}]',
    "crossed": '[{columns = ["dropoff_latitude", "dropoff_longitude"], buckets = 121}]',
    "ignored": """["tips", "trip_start_timestamp", "pickup_census_tract", "dropoff_census_tract", "trip_start_hour",
      "trip_start_day", "trip_start_month", "pickup_community_area", "pickup_latitude", "pickup_longitude"]""",
}
"""Of the shipped pipeline's features, each role with a column that has holes and one that has none."""
WHOLE = (
    *("--local", "--pipeline", "taxi", "--set", "data.path=data/taxi-*.csv", "--set", "training.epochs=1"),
    *("--set", "evaluation.floor={}", "--set", "evaluation.importance=0"),
    *(word for role, columns in FEATURES.items() for word in ("--set", f"features.{role}={columns}")),
)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """2,500 taxi trips in three files: texts, numbers and holes."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "data").mkdir()
    with gzip.open(REPOSITORY / "data" / "taxi.csv.gz", "rt") as file:
        header, *lines = itertools.islice(file, 0, None, EACH)
    for number in range(FILES):
        (folder / "data" / f"taxi-{number}.csv").write_text("".join([header, *lines[number::FILES]]))
    return folder


@pytest.fixture(scope="module")
def in_process(table, tmp_path_factory):
    """The root of a run in process."""
    root = tmp_path_factory.mktemp("process")
    result = runner(*WHOLE, "--data-root", table, "--root", root)
    assert result.code == 0, result.err
    return root


def contents(root, *stages):
    """What stages wrote, by their places, whatever the folder of the execution is called."""
    contents_by_path = {}
    for path in sorted((root / "taxi" / "artifacts").glob("*/*/*/**/*")):
        stage, key, _, *parts = path.relative_to(root / "taxi" / "artifacts").parts
        if path.is_file() and stage in stages:
            contents_by_path["/".join([stage, key, *parts])] = path.read_bytes()
    return contents_by_path


def differing(first_contents, second_contents):
    """Places of files that two runs do not have in common; a graph names the moment at which it was made."""
    graphs = ("saved_model.pb", "fingerprint.pb")
    places = {place for place in {*first_contents, *second_contents} if not place.endswith(graphs)}
    return sorted(place for place in places if first_contents.get(place) != second_contents.get(place))


def metrics(root):
    [path] = (root / "taxi" / "runs").glob("*/run.json")
    return json.loads(path.read_text())["outcome"]["metrics"]


def prism():
    return contextlib.nullcontext(f"--runner=PrismRunner --prism_location={engines.prism_path()}")


def flink():
    jar, endpoint = os.environ.get("FLINK_JOB_SERVER_JAR"), os.environ.get("FLINK_JOB_ENDPOINT")
    if endpoint:
        return contextlib.nullcontext(f"--runner=FlinkRunner --job_endpoint={endpoint} --environment_type=LOOPBACK")
    if jar:
        return contextlib.nullcontext(f"--runner=FlinkRunner --flink_job_server_jar={jar} --parallelism=2")
    pytest.skip("neither FLINK_JOB_SERVER_JAR nor FLINK_JOB_ENDPOINT names a job server of Flink")


@pytest.mark.parametrize("engine", [prism, flink], ids=["Prism", "Flink"])
def test_a_run_on_another_engine_gives_the_same_bytes_and_metrics(engine, table, in_process, tmp_path):
    with engine() as beam:
        result = runner(*WHOLE, "--data-root", table, "--root", tmp_path, "--beam", beam)
    assert result.code == 0, result.err
    stages = ("ingestion", "statistics", "transformation")
    expected = contents(in_process, *stages)
    assert sum("/examples/Split-train/" in place for place in expected) == FILES
    assert any(place.endswith("FeatureStats.pb") for place in expected)
    assert any("/assets/" in place for place in expected)
    assert differing(contents(tmp_path, *stages), expected) == []
    assert metrics(tmp_path) == metrics(in_process)


def test_workers_in_other_processes_and_another_folder_give_the_same_bytes(table, in_process, tmp_path, monkeypatch):
    """Beam's own job service and worker pool; the root and the data are named from the working directory."""
    monkeypatch.chdir(tmp_path)
    (job, service), (port, pool) = (make(tmp_path / "elsewhere") for make in (engines.job_service, engines.worker_pool))
    with service, pool:
        result = runner(
            *(*WHOLE, "--to", "statistics", "--root", "runs", "--data-root", os.path.relpath(table), "--beam"),
            f"--runner=PortableRunner --job_endpoint=localhost:{job} --environment_type=EXTERNAL "
            f"--environment_config=localhost:{port} --sdk_container_image=unused",
            timeout=600,
        )
    assert result.code == 0, result.err
    stages = ("ingestion", "statistics")
    assert differing(contents(Path("runs"), *stages), contents(in_process, *stages)) == []
