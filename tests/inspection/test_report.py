"""Reports of complete runs: content, no outside resources, escaped names."""

import base64
import html.parser
import io
import json
import re
import runpy
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from PIL import Image

from inspection.read.evaluations import WorstRow
from inspection.read.recorded_run import parse_run
from inspection.report import page, report_facts, write_report
from inspection.report.sections import data_section, head_section, worst_section
from inspection.run_history import list_runs
from inspection.store.metadata_store import open_store

MADE = runpy.run_path(str(Path(__file__).with_name("made.py")))
RUNS = {"houses": "run-4", "taxi": "run-2", "digits": "run-3", "blocked": "run-5"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    MADE["make"](folder)
    return folder


@pytest.fixture(scope="module")
def reports(root):
    store = open_store(str(root), None)
    for run in list_runs(store):
        write_report.write(store, run.run_id, run.folder)
    return {run.run_id: Path(run.folder, "report.html").read_text() for run in list_runs(store)}


class Parsed(html.parser.HTMLParser):
    """Tags, attributes and texts of a document whose tags must all be closed in order."""

    VOID = ("meta", "img", "link", "input", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def words(text):
    return " ".join(Parsed(text).texts)


@pytest.mark.parametrize("run", RUNS.values())
def test_a_report_is_one_file_without_script_and_without_anything_from_elsewhere(reports, run):
    text = reports[run]
    parsed = Parsed(text)
    assert len(text.encode()) < 500_000
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & set(parsed.tags)
    for tag, name, value in parsed.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style", tag
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("data:image/", "#")), value
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize("run", RUNS.values())
def test_each_chart_is_named_and_has_a_table_below(reports, run):
    text = reports[run]
    charts = re.findall(r"<svg [^>]*>", text)
    assert charts
    assert all('role="img"' in chart and "aria-label=" in chart for chart in charts)
    for figure in re.findall(r"<figure>(.*?)</figure>", text, re.S):
        if "<svg" in figure:
            assert "<details><summary>As a table</summary>" in figure
            assert "<table>" in figure
    images = re.findall(r"<img [^>]*>", text)
    assert all(re.search(r'alt="[^"]+"', image) for image in images)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("run-4", "The model is blessed and pushed as version 1700000001: r2 0.9 meets the required 0.8"),
        ("run-2", "The model is not blessed and was not pushed: r2 0.9 meets the required 0.8"),
        (
            "run-5",
            "A gate refused the data in validation: sqft: mean 9000 is above 5000. r2 0.9 meets the required 0.8",
        ),
    ],
)
def test_the_head_has_the_verdict_in_a_sentence(reports, run, expected):
    assert expected in words(reports[run])


def test_a_regression_shows_every_section(reports):
    actual = re.findall(r'<section id="([a-z]+)">', reports["run-4"])
    assert actual == [
        *("run", "data", "network", "training", "tuning", "metrics"),
        *("predictions", "worst", "importance", "blessing", "lineage", "settings"),
    ]
    text = words(reports["run-4"])
    for phrase in ("best: 4", "stopped early: 7", "7 epochs of at most 9", "Predictions by label, 60 rows"):
        assert phrase in text
    assert "baseline model" in text
    assert "95 % from to baseline boosted trees better mae 0.75 0.7 0.8 0.7 0.625 lower" in text
    assert "Plain models: worse than 0.625 of" in text


def test_data_is_compared_with_the_last_data_that_was_other_data(root, reports):
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    assert facts.before_run == "run-1"
    assert "Earlier data: run run-1." in words(reports["run-4"])
    assert "earlier data: distance 0." in words(reports["run-4"])
    assert not report_facts.collect(open_store(str(root), None), "run-1").before


def test_earlier_data_is_that_of_an_earlier_run_also_where_this_one_s_comes_from_the_cache(tmp_path):
    writer, names = MADE["shared"].TfxWriter(tmp_path / "metadata.sqlite"), MADE["Names"](hostile=False)
    statistics_ids = {}
    for run_id, mean in (("a", 1000.0), ("b", 2000.0)):
        MADE["_statistics"](tmp_path / run_id, names, mean)
        outputs = [("statistics", "ExampleStatistics")]
        [statistics_ids[run_id]] = writer.run(run_id).node("statistics", outputs=outputs, uri=str(tmp_path / run_id))
    writer.run("c").node("statistics", state="CACHED", reused=[("statistics", statistics_ids["a"])])
    MADE["_statistics"](tmp_path / "d", names, 3000.0)
    writer.run("d").node("statistics", outputs=[("statistics", "ExampleStatistics")], uri=str(tmp_path / "d"))
    store = open_store(str(tmp_path), None)
    assert {run: report_facts.collect(store, run).before_run for run in "abcd"} == {
        "a": "",
        "b": "a",
        "c": "b",
        "d": "b",
    }


def test_a_blocked_run_shows_the_gate_with_rows_and_edit_and_nothing_of_a_model(reports):
    text = words(reports["run-5"])
    for phrase in ("zipcode.csv:17", "[gates] # zipcode", "r2 0.9 meets the required 0.8", "NOT RUN"):
        assert phrase in text
    assert "validation says r2 0.9" in text
    assert "says" not in words(reports["run-4"])
    assert ['id="metrics"' in reports[run] for run in ("run-4", "run-5")] == [True, False]
    assert "node not-run" in reports["run-5"]


def test_what_of_the_data_is_skipped_is_in_the_report(root, tmp_path):
    examples = pb.Artifact(uri=str(tmp_path / "examples"), id=7, type="Examples")
    (tmp_path / "examples").mkdir()
    names = [f"cat/{number}.heic" for number in range(20)]
    omissions = [{"action": "skipped", "kind": "file", "reason": "HEIC <b>", "count": 40, "names": names}]
    (tmp_path / "examples" / "omissions.json").write_text(json.dumps(omissions))
    store = open_store(str(root), None)
    facts = report_facts.collect(store, "run-4")
    assert [(entry["reason"], entry["names"]) for entry in facts.omissions] == [("features.ignored", ["zipcode"])]
    report_facts._data(facts, store, {"Examples": examples})
    text = words(str(data_section.section(facts)))

    assert "Skipped, dropped, cut, converted or not used" in text
    assert "skipped 40 file HEIC <b> cat/0.heic, cat/1.heic" in text
    assert "cat/19.heic, ..." in text


def test_images_with_wrong_predictions_are_in_the_report(reports):
    assert reports["run-3"].count('src="data:image/png;base64,') == 3
    assert "north predicted as south" in words(reports["run-3"])


WORST = WorstRow(row=3, id=None, label="a", prediction=None, error=None)


def test_a_large_image_is_scaled_down():
    image = Image.effect_noise((900, 600), 80)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=95)
    assert len(content.getvalue()) > 100_000
    [source] = re.findall(r'src="([^"]+)"', worst_section._image_figure("photo", [content.getvalue()], WORST))
    assert source.startswith("data:image/jpeg;base64,")
    assert len(source) < 12_000
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as small:
        assert small.size == (96, 64)
    assert worst_section._image_figure("photo", [b"\xff\xd8\xff\xe0" + bytes(9_000)], WORST) is None, (
        "it is not an image"
    )
    assert worst_section._image_figure("word", [b"text"], WORST) is None


def test_curves_and_matrix_are_drawn_for_classes(reports):
    text = words(reports["run-2"])
    for phrase in ("ROC curve", "Precision and recall", "Confusion matrix", "Calibration"):
        assert phrase in text


def test_the_command_is_shown_without_its_password(reports):
    for text in reports.values():
        assert "secret" not in text
    assert "postgresql://user:***@host/db" in words(reports["run-4"])


def test_no_name_becomes_markup(tmp_path):
    MADE["make"](tmp_path, hostile=True)
    store = open_store(str(tmp_path), None)
    for run in list_runs(store):
        write_report.write(store, run.run_id, run.folder)
        text = Path(run.folder, "report.html").read_text()
        parsed = Parsed(text)
        assert "script" not in parsed.tags
        assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
        assert MADE["SCRIPT"] in " ".join(parsed.texts)
        card = Path(run.folder, "model_card.md").read_text()
        assert not re.search(r"(?<!\\)<(script|img)", re.sub(r"`[^`]*`", "", card))


def test_a_run_that_the_store_never_heard_of_has_a_report_from_its_folder(root, tmp_path):
    record = {"run_id": "r", "pipeline": "houses", "state": "FAILED", "reason": "no worker", "nodes": ["ingestion"]}
    (tmp_path / "run.json").write_text(json.dumps(record))
    write_report.write(open_store(str(root), None), "r", str(tmp_path))
    text = words((tmp_path / "report.html").read_text())
    assert "The run failed: no worker" in text
    assert "NOT RUN" in text


def test_missing_and_damaged_files_are_listed_and_the_rest_is_shown(tmp_path):
    MADE["make"](tmp_path)
    artifacts = tmp_path / "houses/artifacts/4"
    (artifacts / "evaluation/verdict.json").write_text("{")
    (artifacts / "statistics/Split-train/FeatureStats.pb").unlink()
    (artifacts / "model_run/network.json").write_text("[1]")
    facts = report_facts.collect(open_store(str(tmp_path), None), "run-4")
    text = words(page.report(facts))
    assert "verdict.json is damaged" in text
    assert "contains no statistics" in text
    assert "7 epochs of at most 9" in text


def test_a_report_of_very_many_columns_and_slices_stays_small(root):
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    [train, evaluation] = facts.statistics
    for number in range(300):
        for split in (train, evaluation):
            copy = type(split.columns[0])(**{**vars(split.columns[0]), "name": f"column {number} {'x' * 60}"})
            object.__setattr__(split, "columns", (*split.columns, copy))
    text = page.report(facts)
    assert len(text.encode()) < page.MAX_BYTES
    assert "column 299" in text


@pytest.mark.parametrize(
    ("state", "outcome", "message"),
    [
        ("COMPLETE", {"reached": "tuner"}, "The run ended with the requested stage: why"),
        (
            "COMPLETE",
            {"blessed": True, "advisory": True, "pushed": "/s/5"},
            "version 5 (advisory run: rules refuse nothing)",
        ),
        ("CANCELED", None, "The run was canceled: why"),
        ("NOT_BLESSED", {"blessed": True}, "The model is blessed but was not pushed: why"),
        ("NOT_BLESSED", {"blessed": False}, "The model is not blessed and was not pushed: why"),
        ("RUNNING", None, "Running: why"),
    ],
)
def test_each_end_of_a_run_has_its_sentence(root, state, outcome, message):
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    run = type(facts.detail.run)(**{**vars(facts.detail.run), "state": state, "reason": "why"})
    facts.detail = type(facts.detail)(run=run, nodes=facts.detail.nodes)
    facts.run = parse_run({"outcome": outcome})
    assert message in head_section.sentence(facts)


def test_the_card_has_task_data_metrics_and_provenance(root, reports):
    card = (root / "houses/runs/folder-4/model_card.md").read_text()
    for phrase in (
        "# Model card: houses",
        "- Task: regression; label: sqft",
        "- train: 900 rows, 2 columns",
        "| model | 95 % interval | baseline | boosted trees |",
        "| mae | 0.75 | 0.7 to 0.8 | 0.7 | 0.625 |",
        "zipcode = north",
        "- Seed: 1",
        "python runner.py --local",
    ):
        assert phrase in card
