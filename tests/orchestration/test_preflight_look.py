"""Preflight reports all findings together, each with its fix."""

import json
import re
import shutil

import pytest

from errors import ResourceError, UserError
from orchestration import preflight
from orchestration.cli import parser
from orchestration.preflight import disk, installed, preflight_findings
from orchestration.preflight.preflight_findings import Check
from pipeline.variants import Name


def test_a_table_that_matches_its_schema_has_no_findings(flats):
    assert flats.errors() == []
    assert flats.runs.is_dir()


def test_all_findings_are_reported_together(flats, monkeypatch):
    flats.config(flats.CONFIG.replace('"linear"', '"lineal"'))
    flats.schema(flats.SCHEMA.replace("type: INT", "type: STRUCT"))
    flats.runs.write_text("")
    monkeypatch.setattr(installed, "CHECKED", ())
    findings = flats.errors()

    assert [line.split(":")[0] for line in findings] == [
        "configs/flats.toml",
        "schemas/flats.pbtxt",
        f"{flats.runs} cannot be written (File exists)",
    ]


@pytest.mark.parametrize(("by", "kept", "finding"), [("all", 0, "0 rows for 1 splits"), ("hash", 2, "2 rows for 3")])
def test_fewer_rows_than_splits_are_a_finding(flats, by, kept, finding):
    config = f'path = "data/flats.csv"\nsplit = {{by = "{by}"}}\nexclude = ["area > {40 + kept}"]'
    flats.config(flats.CONFIG.replace('path = "data/flats.csv"', config))
    [only] = flats.errors()
    assert f"flats.csv: {finding}" in only

    flats.config(flats.CONFIG.replace('path = "data/flats.csv"', config.replace(f"{40 + kept}", f"{41 + kept}")))
    assert not [line for line in flats.errors() if "add rows" in line]


def test_data_is_checked_even_if_the_schema_cannot_be_read(flats):
    flats.schema("feature {")
    flats.data("area,area\n1,2\n")
    findings = flats.errors()

    assert findings[0].startswith("schemas/flats.pbtxt: not a valid schema:")
    assert findings[1].endswith(
        "flats.csv: two columns are named 'area': rename one, or drop it with drop = [\"area\"] under [data]"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("[label]", '[training]\nseed = "x"\n[label]', "training.seed: "),
        ("[label]", "[trainning]\nseed = 1\n[label]", "trainning is not a known key."),
        ('{column = "area"', '{column = "area", scale = "log2"', "features.numeric.0.scale: "),
    ],
    ids=["value", "key", "entry of a list"],
)
def test_data_is_checked_even_if_other_sections_of_the_config_are_invalid(flats, right, wrong, message):
    assert right in flats.CONFIG
    flats.config(flats.CONFIG.replace(right, wrong))
    flats.data("area,area\n1,2\n")
    findings = flats.errors()

    assert findings[0].startswith(f"configs/flats.toml: {message}")
    assert any("flats.csv: two columns are named 'area': rename one, or drop it" in line for line in findings)


@pytest.mark.parametrize("wrong", ['pth = "flats.csv"', "path = 3", "path = "])
def test_without_a_path_only_the_config_is_reported(flats, wrong):
    right = 'path = "data/flats.csv"'
    assert right in flats.CONFIG
    flats.config(flats.CONFIG.replace(right, wrong))
    flats.data("area,area\n1,2\n")

    assert {line.split(":")[0] for line in flats.errors()} == {"configs/flats.toml"}


def test_findings_about_the_user_s_input_determine_the_exit_code():
    user, disk = (
        Check("data", findings=[UserError("mend it\nand that")]),
        Check("disk", findings=[ResourceError("full")]),
    )
    with pytest.raises(UserError, match=r"^full\nmend it\nand that$"):
        preflight_findings.refuse([disk, user, Check("code")])
    with pytest.raises(ResourceError, match=r"^full$"):
        preflight_findings.refuse([disk])
    preflight_findings.refuse([Check("code")])


def test_the_error_of_a_full_disk_names_the_space_needed(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage)

    assert preflight.check_room(str(tmp_path), 10**8) == "1.0 GB free, 505 MB may be needed"
    with pytest.raises(
        ResourceError, match=r": 1\.0 GB of the disk are free, but a run on 500 MB of data may need 2\.1 GB"
    ):
        preflight.check_room(str(tmp_path), 5 * 10**8)


def test_the_error_of_a_package_that_differs_from_the_lock_names_the_fix(tmp_path):
    lock = tmp_path / "uv.lock"
    lock.write_text('name = "numpy"\nversion = "0.1"\n\nname = "numpy"\nversion = "0.2"\n')
    with pytest.raises(ResourceError) as caught:
        installed.check_versions(str(lock), ["numpy", "no-such-package", "pydantic"])

    outdated, absent = str(caught.value).splitlines()
    assert "is installed, but uv.lock has 0.1 or 0.2: run `make run`" in outdated
    assert absent.startswith("no-such-package is not installed: run `make run`")


def test_the_installed_packages_match_the_lock():
    from pathlib import Path

    assert installed.check_versions(str(Path(__file__).parents[2] / "uv.lock")).startswith(("legacy: ", "current: "))


def doctor(capsys, *arguments):
    code = parser.main(["doctor", *map(str, arguments)])
    return code, capsys.readouterr().out


def test_doctor_reports_everything_and_returns_the_exit_code_of_a_run(flats, capsys, tmp_path):
    code, out = doctor(capsys, "--root", tmp_path / "runs")

    assert code == 0
    for word in ("root", "store", "disk", "versions", "glibc", "cores", "memory", "engines", "browsers", "PostgreSQL"):
        assert f"\n{word} " in f"\n{out}"
    (tmp_path / "file").write_text("")
    code, out = doctor(capsys, "--json", "--root", tmp_path / "file")
    answer = json.loads(out)
    assert code == answer["code"] == 5
    assert [check["check"] for check in answer["checks"] if not check["ok"]] == ["root"]
    assert doctor(capsys, "no_such_pipeline", "--root", tmp_path / "runs")[0] == 2


def test_doctor_lists_what_schema_diff_lists(flats, capsys, tmp_path):
    flats.config(flats.CONFIG.replace('flats.csv"', 'flats.csv"\ncsv = {comment = "#", units = ["qm"]}'))
    flats.data("# a comment\n" + flats.HEADER + flats.rows(40).replace(".5,", ".5 qm,"))
    parser.main(["schema", "diff", "flats"])
    listed = re.findall("^data +(.+)", capsys.readouterr().out, re.M)
    assert listed == [
        "skipped 1 line: comments, which begin with '#' (csv.comment)",
        'converted 2 columns: numbers written with decimal = ".", units = ["qm"] (area, rent)',
    ]
    code, out = doctor(capsys, "flats", "--root", tmp_path / "runs")
    assert code == 0
    assert re.search(r"^data +good +1 path\(s\).*\n +" + r"\n +".join(map(re.escape, listed)) + "\n", out, re.M), out


def test_doctor_checks_a_pipeline_of_the_repository(capsys, tmp_path):
    code, out = doctor(capsys, "penguins", "--root", tmp_path / "runs")

    assert code == 0, out
    assert "data        good" in out


def test_a_group_column_that_is_also_a_feature_is_reported(flats, tmp_path):
    flats.config(flats.CONFIG.replace("[features]", '[columns]\ngroup = "city"\n[features]'))
    remark = "the group 'city' is also a feature: its values in eval and test are not in train, so nothing learned"

    def remarks(*overrides):
        report = preflight.look(Name("flats"), overrides, root=str(tmp_path), data_root=str(flats.root))
        [findings] = [check.text for check in report.checks if check.name == "columns"]
        return findings

    assert remarks().startswith(remark)
    assert not remarks("features.categorical=[]", "features.text=[{column='city'}]"), "words come again"
    assert not remarks("data.split=all")
    assert "is also a feature" not in remarks("features.categorical=[]")
