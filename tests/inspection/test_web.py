"""The web pages: content, pagination, and what they read with a thousand runs."""

import asyncio
import html
import http.client
import json
import re
import runpy
import subprocess
import sys
import urllib.parse
from pathlib import Path

import httpx
import pytest

from inspection.web.app import application
from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_state import State
from spec.timing.schedule import Notify, Schedule

from .store_reads import MOST_BYTES, MOST_CALLS, counted

MADE = runpy.run_path(str(Path(__file__).with_name("made.py")))


class Asked:
    def __init__(self, address):
        self.host = address.removeprefix("http://")

    def __call__(self, path, **headers):
        connection = http.client.HTTPConnection(self.host, timeout=120)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def page(self, path):
        answer, text = self(path)
        assert answer.status == 200, (path, text)
        return text


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    MADE["make"](folder)
    return folder


@pytest.fixture(scope="module")
def ask(root):
    with MADE["served"](root) as address:
        yield Asked(address)


def plain(text):
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def test_runs_are_listed_with_state_and_reason(ask):
    text = ask.page("/")
    assert re.findall(r'href="/run\?id=(run-\d)"', text) == ["run-5", "run-4", "run-3", "run-2", "run-1"]
    assert "mean 9000 is above 5000" in plain(text)
    assert re.findall(r'href="/run\?id=(run-\d)"', ask.page("/?pipeline=taxi")) == ["run-2"]
    assert re.findall(r'href="/run\?id=(run-\d)"', ask.page("/?state=BLOCKED&pipeline=houses")) == ["run-5"]
    assert "No runs match." in ask.page("/?state=FAILED")


def test_a_run_shows_its_report_and_leads_on(ask):
    text = ask.page("/run?id=run-4")
    for phrase in ("The model is blessed and pushed as version", "best: 4", "Importance of columns", "Lineage"):
        assert phrase in plain(text)
    for link in ("/node?run=run-4&amp;node=trainer", "/compare?b=run-4", "/artifact?id="):
        assert link in text
    assert "http-equiv" not in text


def test_a_node_shows_what_it_took_and_made_and_its_log(ask):
    text = plain(ask.page("/node?run=run-4&node=trainer"))
    assert "trainer says r2 0.9 meets the required 0.8" in text
    assert "loss by epoch" in text
    assert "16 parameters" in text
    assert "Distribution of sqft" in plain(ask.page("/node?run=run-4&node=statistics"))
    answer, body = ask("/node?run=run-4&node=trainr")
    assert answer.status == 404
    assert "Did you mean 'trainer'?" in plain(body)


def test_models_show_verdict_and_version(ask):
    text = plain(ask.page("/models"))
    assert "1700000004" in text
    assert "not blessed" in text
    assert "1700000002" not in text, "it was not pushed"


@pytest.mark.parametrize(
    ("kind", "phrase"),
    [
        ("ExampleStatistics", "Distribution of sqft"),
        ("Schema", "sqft"),
        ("ModelEvaluation", "mae by slice"),
        ("Examples", "First 5 rows of split test"),
        ("ExampleAnomalies", "No anomalies"),
        ("Model", "Lineage of Model"),
        ("ModelRun", "loss by epoch"),
    ],
)
def test_an_artifact_shows_what_it_holds_and_its_lineage(ask, kind, phrase):
    ids = re.findall(r'href="/artifact\?id=(\d+)"', ask.page(f"/artifacts?type={kind}"))
    text = plain(ask.page(f"/artifact?id={ids[-1]}"))
    assert phrase in text
    assert "Lineage of" in text


def test_files_of_an_artifact_are_given_as_text_or_to_be_saved(ask):
    [*_, evaluation] = re.findall(r'href="/artifact\?id=(\d+)"', ask.page("/artifacts?type=ModelEvaluation"))
    links = re.findall(r'href="(/files/[^"]+)"', ask.page(f"/artifact?id={evaluation}"))
    assert len(links) == 2
    answer, text = ask(next(link for link in links if link.endswith("verdict.json")))
    assert answer.getheader("content-type") == "text/plain; charset=utf-8"
    assert json.loads(text)["blessed"] is True
    [statistics, *_] = re.findall(r'href="/artifact\?id=(\d+)"', ask.page("/artifacts?type=ExampleStatistics"))
    connection = http.client.HTTPConnection(ask.host)
    connection.request("GET", f"/files/{statistics}/Split-train/FeatureStats.pb")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("content-disposition")) == (200, "attachment")
    answer.read()


def test_two_runs_are_compared_by_choosing_them(ask):
    assert "Choose two runs" in ask.page("/compare")
    text = plain(ask.page("/compare?a=run-1&b=run-4"))
    assert "mean" in text
    assert "1,800" in text
    assert "2,600" in text
    assert "run pipeline state started reason A run-1" in " ".join(text.split())
    assert ask("/compare?a=run-1&b=nobody")[0].status == 404


def test_schedules_show_next_and_last_times(root, ask):
    assert "No schedules yet" in ask.page("/schedules")
    state = State(str(root))
    plan = Plan("houses", Schedule(name="nightly", cron="0 3 * * *"), Notify())
    state.remember(plan, 1_800_000_000.0)
    fire = state.add(plan.name, 1_800_000_000.0)
    state.update(fire, state="COMPLETE", ended=1_800_000_060.0, run_id="run-4", reason="why <b>")
    state.close()
    text = ask.page("/schedules?schedule=houses:nightly")
    for phrase in ("houses:nightly", "0 3 * * *", "COMPLETE", "run-4", "why &lt;b&gt;"):
        assert phrase in text


def test_every_answer_has_a_strict_policy_and_no_script(ask):
    for path in ("/", "/run?id=run-4", "/style.css", "/nothing", "/run?id=nobody", "/files/1/x"):
        answer, text = ask(path)
        policy = answer.getheader("content-security-policy")
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert answer.getheader("x-content-type-options") == "nosniff"
        assert answer.getheader("x-frame-options") == "DENY"
        assert "<script" not in text
        assert " style=" not in text
        assert len([name for name, _ in answer.getheaders() if name == "content-security-policy"]) == 1


def test_the_report_as_a_file_is_given_where_it_is(ask, root):
    assert ">report.html</a>" not in ask.page("/run?id=run-1")
    assert ask("/report?id=run-1")[0].status == 404
    (root / "houses/runs/folder-1/report.html").write_text("<style>b{}</style><b>told</b>")
    try:
        assert ">report.html</a>" in ask.page("/run?id=run-1")
        answer, text = ask("/report?id=run-1")
        assert "told" in text
        assert "sha256-" in answer.getheader("content-security-policy")
        assert "sandbox" in answer.getheader("content-security-policy")
    finally:
        (root / "houses/runs/folder-1/report.html").unlink()


def test_a_running_run_shows_its_progress_and_refreshes(tmp_path):
    writer = MADE["shared"].TfxWriter(tmp_path / "metadata.sqlite")
    folder = tmp_path / "folder"
    (folder / "logs").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"nodes": ["ingestion", "trainer"]}))
    events = [
        {"event": "node", "node": "ingestion", "state": "COMPLETE"},
        {"event": "node", "node": "trainer", "state": "RUNNING"},
        {"event": "progress", "text": "epoch 3 of 9"},
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events) + '{"event": "pro')
    run = writer.run("live", run_folder=str(folder))
    run.node("ingestion")
    run.node("trainer", state="RUNNING")
    with MADE["served"](tmp_path) as address:
        ask = Asked(address)
        text = ask.page("/run?id=live")
        assert "1 of 2 nodes finished" in text
        assert "epoch 3 of 9" in text
        assert '<meta http-equiv="refresh" content="3">' in text
        run.end("FAILED", reason="why")  # the page reads what others write meanwhile
        text = ask.page("/run?id=live")
        assert "http-equiv" not in text
        assert "The run failed" in plain(text)


def test_a_store_that_is_not_there_yet_is_looked_for_again(tmp_path):
    with MADE["served"](tmp_path) as address:
        ask = Asked(address)
        answer, text = ask("/")
        assert answer.status == 404
        assert "no runs yet" in text
        MADE["make"](tmp_path)
        assert "run-5" in ask.page("/")


def test_an_artifact_that_is_gone_still_has_its_page(tmp_path):
    MADE["make"](tmp_path)
    (tmp_path / "houses/artifacts/1/statistics/Split-train/FeatureStats.pb").unlink()
    with MADE["served"](tmp_path) as address:
        ask = Asked(address)
        [*_, statistics] = re.findall(r'href="/artifact\?id=(\d+)"', ask.page("/artifacts?type=ExampleStatistics"))
        text = plain(ask.page(f"/artifact?id={statistics}"))
        assert "contains no statistics" in text
        assert "Lineage of ExampleStatistics" in text


def test_the_error_of_a_wrong_address_names_the_reason(tmp_path):
    for arguments, code, message in (
        (["--host", "0.0.0.0"], 2, "without a password"),
        (["--host", "203.0.113.9", "--expose"], 5, "cannot listen on"),
        # Pythons word the codec's error differently.
        (["--host", "a" * 80, "--expose"], 5, f"error: cannot listen on {'a' * 80}:0: "),
        (["--port", "65536"], 2, "expected 0 to 65535, got 65536"),
    ):
        process = subprocess.run(
            [sys.executable, "runner.py", "ui", "--port", "0", "--root", str(tmp_path), *arguments],
            cwd=MADE["REPOSITORY"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert process.returncode == code, process.stderr
        assert message in process.stderr


PAGES = (
    "/",
    "/?page=20",
    "/?state=FAILED&page=2",
    "/?pipeline=houses&page=7",
    "/run?id=run-0999",
    "/node?run=run-0999&node=trainer",
    "/models",
    "/models?page=20",
    "/artifacts",
    "/artifacts?page=200",
    "/artifacts?type=Model&page=20",
    "/artifact?id=23",
    "/compare",
    "/compare?a=run-0500&b=run-0501",
)


@pytest.mark.parametrize("kind", ["recorded", "stock"])
def test_no_page_of_a_thousand_runs_reads_all_of_the_store(thousand_runs, kind):
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(application(str(thousand_runs[kind]), None)), base_url="http://127.0.0.1"
    )
    text = {}
    for path in PAGES:
        if kind == "stock" and "state=" in path:
            continue  # states that are not recorded are read from all 9,000 executions
        with counted() as reads:
            text[path] = asyncio.run(client.get(path)).text
        assert reads.calls <= MOST_CALLS, path
        assert reads.size <= MOST_BYTES, path
    last = text["/?page=20"]
    assert "run-0000" in last
    assert 'rel="next"' not in last
    assert urllib.parse.urlencode({"page": 19}) in last
