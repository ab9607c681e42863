"""Runs that preflight refuses: all differences from the schema, the commands that accept them, and the record."""

import json
import types

import pytest

from errors import UserError
from inspection.clean import clean_up
from inspection.store.metadata_store import open_store
from orchestration.cli import parser
from orchestration.local import refused_run, run_start, supervisor, unchanged_run
from orchestration.paths import Root
from orchestration.preflight.preflight_findings import Check
from orchestration.records import run_record
from pipeline.variants import Name

NO_WORKERS = types.SimpleNamespace(begin=lambda: None)


def refuse(flats, name="flats", **options):
    request = supervisor.Request(name=Name(name), root=str(flats.runs), data_root=str(flats.root), **options)
    with pytest.raises(UserError) as caught:
        supervisor.run(request, NO_WORKERS)
    return str(caught.value).splitlines()


def listed(flats, capsys, *arguments):
    capsys.readouterr()
    assert parser.main(["inspect", "runs", "--root", str(flats.runs), "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def renamed(flats):
    """The project, whose data has another name for `city` and an area below the schema's range."""
    flats.data("area,citizens_town,rent\n" + flats.rows(38) + "41.5,Bern,901\n-2.5,Chur,902\n")
    schema = flats.SCHEMA.replace('"area" type: FLOAT', '"area" type: FLOAT float_domain { min: 0 }')
    flats.schema(
        schema.replace('"city" type: BYTES', '"city" type: BYTES string_domain { value: "Bern" value: "Chur" }')
    )
    return flats


def test_a_missing_column_is_reported_with_all_other_differences_and_the_commands(renamed):
    missing, *differences, fix = refuse(renamed)

    assert missing.endswith(
        "data/flats.csv: column 'city' of the schema is missing. Known columns: area, citizens_town, rent."
    )
    assert differences == [
        "schemas/flats.pbtxt: column 'city': the column is missing from the data: city -> citizens_town? Rename it "
        "there, or in config and schema",
        "schemas/flats.pbtxt: column 'area': 1 value below 0, such as -2.5",
        "schemas/flats.pbtxt: column 'citizens_town': new column (BYTES), which is not in the schema",
    ]
    infer, approve = (f"`python runner.py schema {step} flats" for step in ("infer", "approve"))
    assert fix.startswith(f"Fix the data; or, to accept it, edit the columns in configs/flats.toml, then {infer}")
    assert approve in fix


def test_a_refused_run_is_listed_with_its_reason(renamed, capsys):
    messages = refuse(renamed)
    [run] = listed(renamed, capsys)

    assert (run["pipeline"], run["state"]) == ("flats", "FAILED")
    assert run["reason"].startswith(messages[0])
    facts = json.loads((renamed.runs / "flats/runs" / run["run_id"] / "run.json").read_text())
    assert (facts["state"], facts["reason"]) == ("FAILED", "\n".join(messages))
    assert listed(renamed, capsys, "--state", "failed") == [run]


def test_nothing_is_recorded_of_a_pipeline_that_does_not_exist(flats):
    refuse(flats, "flat")
    assert not (flats.runs / "flat").exists()


def test_nothing_is_recorded_under_a_root_that_cannot_be_used(renamed):
    renamed.runs.write_text("")
    assert any("cannot be written" in line for line in refuse(renamed))
    assert renamed.runs.read_text() == ""


@pytest.mark.parametrize("failed", ["root", "store", "disk"])
def test_nothing_is_recorded_if_one_of_the_needed_checks_fails(flats, failed):
    checks = [Check(name, findings=[UserError("full")] if name == failed else []) for name in ("root", "store", "disk")]
    refused_run.record(Name("flats"), None, checks, "full")  # without a place, a record would be an error


def test_a_refused_run_is_no_predecessor_and_does_not_count_for_the_clean_up(renamed):
    place = run_start.Place(Root(str(renamed.runs)), "flats", None)
    facts = {"run_id": "20260101-000000-0000", "identity": {"data": "a"}}
    run_record.Record(place.root.run("flats", facts["run_id"]), facts).close("COMPLETE", "well")
    for _ in range(3):
        refuse(renamed)

    assert unchanged_run.newest(place)["run_id"] == facts["run_id"]
    store = open_store(str(renamed.runs), None)
    assert clean_up.survey(store, str(renamed.runs), "flats", keep=1).removable == ()


def test_doctor_reports_unseen_values_as_a_run_would_refuse_them(flats, capsys):
    flats.schema(
        flats.SCHEMA.replace(
            '"city" type: BYTES',
            '"city" type: BYTES string_domain { value: "Bern" } distribution_constraints { min_domain_mass: 0.95 }',
        )
    )
    code = parser.main(["doctor", "flats", "--root", str(flats.runs), "--data-root", str(flats.root)])
    out = capsys.readouterr().out

    assert code == 3
    assert (
        "\nrows        wrong  schemas/flats.pbtxt: column 'city': 1 new value: 'Chur' 50.00%; together 20 of 40" in out
    )
    assert "Fix the data; or, to accept it, `python runner.py schema infer flats" in out
    flats.schema(flats.SCHEMA)
    assert parser.main(["doctor", "flats", "--root", str(flats.runs), "--data-root", str(flats.root)]) == 0
    assert "\nrows        good   the data matches schemas/flats.pbtxt\n" in capsys.readouterr().out


def test_schema_commands_take_the_options_of_a_run(flats, capsys, tmp_path):
    """As `--data-root`, `--set` and `--variant`, which choose the data that is read."""
    flats.config(flats.CONFIG + '[variant.other]\ndata.path = "data/other.csv"\n')
    data_root = tmp_path / "elsewhere/data"
    data_root.mkdir(parents=True)
    (data_root / "flats.csv").write_text(flats.HEADER + flats.rows(40).replace("Bern", ""))
    (data_root / "other.csv").write_text(flats.HEADER + flats.rows(40))

    def diff(*options):
        code = parser.main(["schema", "diff", "flats", *options])
        return code, capsys.readouterr().out

    assert diff() == (0, "the data matches schemas/flats.pbtxt\n")
    code, out = diff("--data-root", str(data_root.parent))
    assert (code, out) == (3, "refused  city: 50.00% null, the schema allows 0.00%\n")
    code, out = diff("--data-root", str(data_root.parent), "--json")
    difference = {"column": "city", "rank": 2, "text": "50.00% null, the schema allows 0.00%"}
    assert (code, json.loads(out)) == (3, {"differences": [difference], "omissions": []})
    assert diff("--data-root", str(data_root.parent), "--set", "data.path=data/other.csv")[0] == 0
    assert diff("--data-root", str(data_root.parent), "--variant", "other")[0] == 0
    with pytest.raises(SystemExit):
        diff("--no-such-option")
    assert parser.main(["schema", "infer", "flats", "--variant", "all"]) == 2
