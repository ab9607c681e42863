"""`inspect statistics`, `schema`, `anomalies` and `logs`."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from errors import ResourceError, UserError

SCHEMA = """
feature { name: "area" type: FLOAT presence { min_fraction: 1.0 min_count: 1 } float_domain { min: 0.0 } }
feature { name: "city" type: BYTES presence { min_fraction: 0.5 } domain: "cities" }
feature { name: "note" type: BYTES }
feature { name: "grade" type: INT int_domain { min: 1 max: 13 } }
string_domain { name: "cities" value: "Rome" value: "Paris" }
"""


def _cells(text: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line) for line in text.splitlines() if line]


@pytest.fixture
def run(writer: Any, tmp_path: Path, write_statistics: Any) -> Any:
    for split, rows in (("train", 8), ("eval", 4)):
        write_statistics(
            tmp_path / f"statistics/Split-{split}",
            rows=rows,
            numbers={"area": (2.5, 0.5, [1.0, 2.0, 4.0])},
            words={"city": {"Rome": rows // 2, "Paris": 1}},
        )
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema/schema.pbtxt").write_text(SCHEMA)
    anomalies = anomalies_pb2.Anomalies()
    for severity, name in ((1, "note"), (2, "area")):
        info = anomalies.anomaly_info[name]
        info.severity = severity
        info.path.step.append(name)
        info.reason.add(short_description=f"{name} is odd", description="Some [bold]values[/bold]\nare out.")
    for split, parsed in (("train", anomalies), ("eval", anomalies_pb2.Anomalies(data_missing=True))):
        (tmp_path / f"anomalies/Split-{split}").mkdir(parents=True)
        (tmp_path / f"anomalies/Split-{split}/SchemaDiff.pb").write_bytes(parsed.SerializeToString())
    run = writer.run("r", run_folder=str(tmp_path / "run"))
    for node, kind in (("statistics", "ExampleStatistics"), ("schema", "Schema"), ("anomalies", "ExampleAnomalies")):
        run.node(node, outputs=[(node, kind)], uri=str(tmp_path / node))
    return run


def test_statistics(run: Any, ask: Any) -> None:
    head, header, area, city, eval_head, *_ = _cells(ask("statistics"))
    assert head == ["ExampleStatistics 1, split train: 8 rows"]
    assert header[:3] == ["COLUMN", "TYPE", "NULLS"]
    assert area == ["area", "FLOAT", "0", "2.5", "0.5", "1", "0", "4", "0", "-", "-"]
    assert city == ["city", "STRING", "3", "-", "-", "-", "-", "-", "-", "2", "Rome (4), Paris (1)"]
    assert eval_head == ["ExampleStatistics 1, split eval: 4 rows"]
    answer = ask("statistics", "r", "--split", "eval", "--json")
    assert [(split["split"], split["rows"]) for split in answer["splits"]] == [("eval", 4)]
    assert answer["splits"][0]["columns"][1]["shares"] == {"Rome": pytest.approx(2 / 3), "Paris": pytest.approx(1 / 3)}
    with pytest.raises(UserError, match=r"no split 'tran'\. Did you mean 'train'\?"):
        ask("statistics", "--split", "tran")


def test_schema(run: Any, ask: Any) -> None:
    assert _cells(ask("schema"))[2:] == [
        ["area", "FLOAT", "required", "from 0"],
        ["city", "BYTES", "in at least 0.5 of the rows", "Rome, Paris"],
        ["note", "BYTES", "optional", "-"],
        ["grade", "INT", "optional", "1 to 13"],
    ]
    assert ask("schema", "2", "--json")["columns"][1]["rules"]["domain"] == ["Rome", "Paris"]


@pytest.mark.parametrize(("length", "shown"), [(80, 80 * "x"), (81, 77 * "x" + "...")])
def test_a_long_domain_is_cut(run: Any, ask: Any, tmp_path: Path, length: int, shown: str) -> None:
    (tmp_path / "schema/schema.pbtxt").write_text(
        SCHEMA.replace('value: "Rome" value: "Paris"', f'value: "{length * "x"}"')
    )
    assert _cells(ask("schema"))[3][-1] == shown


def test_a_domain_of_another_kind_is_named(run: Any, ask: Any, tmp_path: Path) -> None:
    flag = 'feature { name: "flag" type: INT bool_domain { true_value: "yes" } }'
    (tmp_path / "schema/schema.pbtxt").write_text(f"{SCHEMA} {flag}")
    assert _cells(ask("schema"))[-1] == ["flag", "INT", "optional", "bool"]


def test_anomalies_come_errors_first(run: Any, ask: Any) -> None:
    head, _, *rows = _cells(ask("anomalies", "latest"))
    assert head == ["ExampleAnomalies 3: 3 anomalies in train, eval"]
    assert rows == [
        ["ERROR", "area", "train", "area is odd", r"Some [bold]values[/bold]\nare out."],
        ["ERROR", "(all)", "eval", "No data", "the split has no rows"],
        ["WARNING", "note", "train", "note is odd", r"Some [bold]values[/bold]\nare out."],
    ]
    assert [anomaly["column"] for anomaly in ask("anomalies", "--json")["anomalies"]] == ["area", "", "note"]


def finding(**fields: Any) -> dict[str, Any]:
    line = {"gate": "schema", "action": "block", "splits": ["train"], "edit": "", "column": "area", **fields}
    return {"limit": "the approved schema", "measured": line["text"], "rows": [], "line": "", **line}


def test_anomalies_have_the_sentences_of_the_validation(run: Any, ask: Any, tmp_path: Path) -> None:
    findings = [
        finding(text="-3, below the schema's 0", edit="write float_domain { min: -3 }"),
        finding(text="2 new values", column="note", splits=["eval"]),
        finding(text="0.3 apart", gate="drift", action="warn", edit="gates.drift = 0.4"),
    ]
    (tmp_path / "anomalies/gates.json").write_text(json.dumps(findings))

    _, header, area, _, note, title, _, drift = _cells(ask("anomalies", "latest"))
    assert header[-1] == "TO ACCEPT IT"
    assert area == ["ERROR", "area", "train", "schema", "-3, below the schema's 0", "write float_domain { min: -3 }"]
    assert note[3:5] == ["note is odd", r"Some [bold]values[/bold]\nare out."], "the finding is of another split"
    assert (title, drift) == (["Findings of the gates:"], ["warn", "drift", "area", "0.3 apart", "gates.drift = 0.4"])
    assert [anomaly["gate"] for anomaly in ask("anomalies", "--json")["gates"]] == ["drift"]


@pytest.mark.parametrize("text", ["{", "3", "[3]"])
def test_damaged_findings_are_named(run: Any, ask: Any, tmp_path: Path, text: str) -> None:
    path = tmp_path / "anomalies/gates.json"
    path.write_text(text)
    with pytest.raises(ResourceError, match=re.escape(f"{path} is damaged: it does not contain findings")):
        ask("anomalies")


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("statistics", "statistics/Split-train/FeatureStats.pb"),
        ("schema", "schema/schema.pbtxt"),
        ("anomalies", "anomalies/Split-eval/SchemaDiff.pb"),
    ],
)
def test_damage_names_the_file(run: Any, ask: Any, tmp_path: Path, command: str, file: str) -> None:
    (tmp_path / file).write_bytes(b"\xff\xfe damaged {")
    with pytest.raises(ResourceError, match=re.escape(f"{tmp_path / file} is damaged")):
        ask(command)
    (tmp_path / file).unlink()
    with pytest.raises(ResourceError, match="contains no"):
        ask(command)


def test_a_store_without_such_an_artifact_is_reported(writer: Any, ask: Any) -> None:
    writer.run("r").node("ingestion", outputs=[("examples", "Examples")])
    with pytest.raises(UserError, match=r"run r has no artifact of type Schema\. The store has none"):
        ask("schema")
    with pytest.raises(UserError, match=r"run r has no artifact of type Schema\. The store has none"):
        ask("schema", "r")
    with pytest.raises(
        UserError, match=r"no run 'q' .*Did you mean 'r'\? Expected an artifact of type Schema, or a run"
    ):
        ask("schema", "q")


def test_logs(run: Any, ask: Any, tmp_path: Path) -> None:
    run.node("trainer", state="FAILED")
    folder = tmp_path / "run/logs"
    folder.mkdir(parents=True)
    (tmp_path / "run/run.json").write_text('{"nodes": ["statistics", "trainer", "pusher"]}')
    (folder / "trainer.log").write_bytes(b"1/9\r2/9\r9/9 done\n\x1b[31mred\xff\nlast\n")
    assert ask("logs", "latest", "trainer") == "9/9 done\n\\x1b[31mred\ufffd\nlast\n"
    answer = ask("logs", "r", "trainer", "--tail", "1", "--json")
    assert (answer["lines"], answer["path"]) == (["last"], str(folder / "trainer.log"))
    with pytest.raises(UserError, match=r"no node 'trainr' in run r\. Did you mean 'trainer'\?"):
        ask("logs", "r", "trainr")
    with pytest.raises(UserError, match=r"no node '\.\./run' in run r"):
        ask("logs", "r", "../run")
    with pytest.raises(UserError, match=r"node pusher of run r has no log: it did not run"):
        ask("logs", "r", "pusher")
    with pytest.raises(UserError, match=r"node statistics of run r has no log: its state is COMPLETE"):
        ask("logs", "r", "statistics")


def test_another_runner_s_logs_are_elsewhere(writer: Any, ask: Any) -> None:
    writer.run("r").node("trainer")
    with pytest.raises(UserError, match="run r was executed by another runner, which stores its logs elsewhere"):
        ask("logs", "r", "trainer")


def test_splits_are_those_that_the_artifact_names(writer: Any, tmp_path: Path, ask: Any, write_statistics: Any) -> None:
    for split in ("train", "left"):
        write_statistics(tmp_path / f"statistics/Split-{split}", rows=8, numbers={}, words={})
    run = writer.run("r")
    for names in (["train"], ["train", "eval"]):
        facts = {"statistics": {"split_names": json.dumps(names)}}
        run.node("s", outputs=[("statistics", "ExampleStatistics")], uri=str(tmp_path / "statistics"), facts=facts)
    assert [split["split"] for split in ask("statistics", "1", "--json")["splits"]] == ["train"]
    with pytest.raises(ResourceError, match=r"statistics has no folder of split 'eval'; run again"):
        ask("statistics", "2")


def test_a_run_whose_data_was_refused_shows_what_the_gates_found(writer: Any, tmp_path: Path, ask: Any) -> None:
    writer.run("good", state="COMPLETE").node("validation", outputs=[("anomalies", "ExampleAnomalies")], uri="/gone")
    folder = tmp_path / "bad"
    folder.mkdir()
    finding = {"action": "block", "gate": "drift", "column": "area", "text": "0.3 apart", "edit": "gates.drift = 0.4"}
    (folder / "gates.json").write_text(json.dumps([finding]))
    run = writer.run("bad", run_folder=str(folder), state="BLOCKED")
    run.node("history", inputs=[("anomalies", 1)], outputs=[])
    head, _, row = _cells(ask("anomalies", "latest"))

    assert "Run bad: its data was refused" in " ".join(head)
    assert row == ["block", "drift", "area", "0.3 apart", "gates.drift = 0.4"]
    answer = ask("anomalies", "bad", "--json")
    assert (answer["run"], answer["state"], len(answer["gates"])) == ("bad", "BLOCKED", 1)
    assert finding.items() <= answer["gates"][0].items()
    (folder / "gates.json").unlink()
    with pytest.raises(
        UserError, match="run bad is BLOCKED and has not validated its data: it has no ExampleAnomalies"
    ):
        ask("anomalies")
