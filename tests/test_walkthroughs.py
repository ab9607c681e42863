"""The walkthroughs of the architecture page name files that exist, once, in the order in which calls enter them."""

import contextlib
import itertools
import re
import sys
import threading
from pathlib import Path

from pipeline import load
from pipeline.create_pipeline import Places, create_pipeline

from . import ingested

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/explanation/architecture.md").read_text()
WALKS = {
    name: re.findall(r"^\d+\. `([^`]+)`:", text, re.M)
    for name, text in re.findall(r"<!-- walkthrough: (\w+) -->(.*?)(?=\n#|\Z)", PAGE, re.S)
}


@contextlib.contextmanager
def entered():
    """Yields the files of this repository in the order of their first call, also by other threads."""
    files = {}

    def profile(frame, event, argument):
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(f"{ROOT}/") and ".venv" not in name:
            files.setdefault(name[len(f"{ROOT}/") :], None)

    before, threads_before = sys.getprofile(), threading.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield files
    finally:
        sys.setprofile(before)
        threading.setprofile(threads_before)


def test_each_walk_names_files_that_exist_once():
    assert list(WALKS) == ["batch", "config", "run"]
    for files in WALKS.values():
        assert len(files) > 5
        assert len(set(files)) == len(files)
        assert [name for name in files if not (ROOT / name).is_file()] == []


def test_a_batch_enters_the_files_of_ingestion_in_the_order_of_the_walk(tmp_path, beam_pipeline):
    path = tmp_path / "table.csv"
    path.write_text("".join(["id,lat\n", *(f"{number},{number / 2}\n" for number in range(100))]))
    ingest = ingested.prepared(path, tmp_path / "examples", ingested.digest_of(path), beam_pipeline)
    with entered() as files:
        ingest()

    walk = list(itertools.takewhile(lambda name: not name.startswith("components/statistics"), WALKS["batch"]))
    assert [name for name in files if name in walk] == walk, "the calls, in order"


def test_a_config_enters_the_files_in_the_order_of_the_walk(tmp_path):
    with entered() as files:
        config = load.load(str(ROOT), "penguins")
        columns = load.schema_columns(str(ROOT), "penguins")
        places = Places(
            data="x.csv",
            schema="x.pbtxt",
            artifacts=str(tmp_path),
            serving=str(tmp_path / "serving"),
            trials="",
        )
        create_pipeline(name="penguins", config=config, columns=columns, places=places)

    # The last file is the executor's.
    walk = WALKS["config"][:-1]
    assert [name for name in files if name in walk] == walk, "the calls, in order"
