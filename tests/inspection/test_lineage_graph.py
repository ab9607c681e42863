import json
import re
from pathlib import Path
from typing import Any

import pytest

from errors import UserError

HERE = str(Path(__file__).parent)
"""Path of all artifacts, which exists, so that none is missing."""


def _run(writer: Any, name: str, baseline: int | None = None, cached: dict[str, int] | None = None) -> dict[str, int]:
    """A run whose data comes from outside or the cache, whose model is compared with an earlier one, and pushed."""
    run = writer.run(name, run_folder=f"/gone/{name}")
    if cached:
        examples, schema = cached["examples"], cached["schema"]
        run.node("ingestion", state="CACHED", reused=[("examples", examples)])
    else:
        [examples] = run.node("ingestion", outputs=[("examples", "Examples")], uri=HERE, input_base="/data/in")
        [schema] = run.node("schema", outputs=[("schema", "Schema")], uri=HERE, schema_file='s"{x}.pbtxt')
    data_inputs = [("examples", examples), ("schema", schema)]
    [model] = run.node(
        "trainer", inputs=data_inputs, outputs=[("model", "Model")], uri=HERE, facts={"model": {"summary": "best"}}
    )
    if baseline:
        run.node("baseline", reused=[("model", baseline)], event="INTERNAL_OUTPUT")
    compared = [("baseline_model", baseline)] if baseline else []
    [blessing] = run.node(
        "evaluator",
        inputs=[("examples", examples), ("model", model), *compared],
        outputs=[("blessing", "ModelBlessing")],
        uri=HERE,
        facts={"blessing": {"blessed": 1}},
    )
    [pushed] = run.node(
        "pusher",
        inputs=[("model", model), ("blessing", blessing)],
        outputs=[("pushed_model", "PushedModel")],
        uri=HERE,
        facts={"pushed_model": {"pushed": 1, "pushed_destination": f"/serving/{name}", "pushed_version": name}},
    )
    return {"examples": examples, "schema": schema, "model": model, "blessing": blessing, "pushed": pushed}


@pytest.fixture
def artifact_ids(writer: Any) -> list[dict[str, int]]:
    first_run = _run(writer, "1001")
    second_run = _run(writer, "1002", baseline=first_run["model"], cached=first_run)
    return [first_run, second_run, _run(writer, "1003", baseline=second_run["model"], cached=first_run)]


def test_a_model_is_followed_up_to_the_data_and_down_to_what_was_pushed(artifact_ids: Any, ask: Any) -> None:
    assert ask("lineage", str(artifact_ids[0]["model"])).splitlines() == [
        "Model 3, trainer of 1001, best",
        "",
        "made from",
        "├─ schema: Schema 2, schema",
        '│  └─ read from s"{x}.pbtxt',
        "└─ examples: Examples 1, ingestion",
        "   └─ read from /data/in",
        "",
        "led to",
        "├─ ModelBlessing 4, evaluator, blessed",
        "│  └─ PushedModel 5, pusher, pushed to /serving/1001",
        "└─ PushedModel 5 (above)",
    ]


def test_a_cached_node_and_a_resolver_made_nothing_and_a_baseline_is_not_followed(artifact_ids: Any, ask: Any) -> None:
    answer = ask("lineage", str(artifact_ids[2]["blessing"]))
    assert "baseline_model: Model 6, trainer of 1002, best (compared with)" in answer
    assert "examples: Examples 1, ingestion of 1001\n" in answer
    assert "1002, blessed" not in answer
    value = ask("lineage", str(artifact_ids[2]["blessing"]), "--json")
    assert {row["id"] for row in value["artifacts"]} == {1, 2, 6, artifact_ids[2]["model"], *artifact_ids[2].values()}
    [compared] = [edge for edge in value["made_from"] if edge["baseline"]]
    assert compared == {
        "made_from": 6,
        "made": artifact_ids[2]["blessing"],
        "key": "baseline_model",
        "node": "evaluator",
        "baseline": True,
    }
    assert value["sources"] == {"1": "/data/in", "2": 's"{x}.pbtxt'}


@pytest.mark.parametrize(("name", "start"), [("1002", 6), ("latest", 9), ("7", 7)])
def test_the_start_may_be_named_as_a_model_or_by_id(artifact_ids: Any, ask: Any, name: str, start: int) -> None:
    assert ask("lineage", name, "--json")["start"] == start


def test_data_that_much_was_made_from_is_cut(artifact_ids: Any, ask: Any, writer: Any) -> None:
    run = writer.run("many")
    for _ in range(12):
        run.node("trainer", inputs=[("examples", 1)], outputs=[("model", "Model")])
    answer = ask("lineage", "1")
    assert answer.count(", trainer of many") == 10
    assert "└─ ... and 5 more" in answer
    assert "Not all artifacts are shown" not in answer
    value = ask("lineage", "1", "--limit", "5", "--json")
    assert value["cut"] is True
    assert "Not all artifacts are shown: --limit N" in ask("lineage", "1", "--limit", "5")


def test_graphs_quote_what_names_hold(artifact_ids: Any, ask: Any, writer: Any) -> None:
    writer.run('"]; x').node("n", inputs=[("k|<b>", 3)], outputs=[("o", 'T"<script>\\')], uri=HERE)
    lines = ask("lineage", "3", "--dot").splitlines()
    assert lines[0] == "digraph lineage {"
    assert lines[-1] == "}"
    assert r'  a12 [label="T\"<script>\\ 12, n of \"]; x"];' in lines
    assert '  a3 -> a12 [label="k|<b>"];' in lines
    assert '  s2 [label="s\\"{x}.pbtxt", shape=folder];' in lines
    drawn = ask("lineage", "3", "--mermaid").splitlines()
    assert drawn[0] == "flowchart LR"
    assert '  a12["T#34;#60;script#62;#92; 12, n of #34;#93;#59; x"]' in drawn
    assert '  a3 -->|"k#124;#60;b#62;"| a12' in drawn
    assert all(
        re.fullmatch(r'  [as]\d+(\[\(?"[^"<>]*"\)?\]| -\.?->(\|"[^"<>]*"\|)? a\d+)|  style .*', line)
        for line in drawn[1:]
    )


def test_the_lineage_of_examples_names_what_ingestion_read(writer: Any, ask: Any, tmp_path: Any) -> None:
    settings = {"paths": ["/data/a.csv", "/data/b.csv"], "columns": {}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    run = writer.run("r")
    for packed in (
        {"inline": {**settings, "paths": "/data/c.csv"}},
        {"file": f"{tmp_path}/settings.json"},
        {"file": "/no"},
    ):
        run.node("ingestion", outputs=[("examples", "Examples")], settings=json.dumps(packed))
    assert ask("lineage", "1", "--json")["sources"] == {"1": "/data/c.csv"}
    assert ask("lineage", "2", "--json")["sources"] == {"2": "/data/a.csv, /data/b.csv"}
    assert ask("lineage", "3", "--json")["sources"] == {}


def test_an_unknown_start_is_answered_with_the_nearest(artifact_ids: Any, ask: Any) -> None:
    with pytest.raises(UserError, match=r"no model '1009' in .*Did you mean '1003'\?"):
        ask("lineage", "1009")
