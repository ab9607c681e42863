"""`inspect show` of a model, a version and a run: what it was made from, and why it was pushed."""

import json
import os
import runpy
from pathlib import Path
from typing import Any

import pytest

from inspection import provenance, run_comparison
from inspection.read.recorded_run import parse_run
from inspection.report import model_card, page, report_facts
from inspection.run_configuration import from_tuner
from inspection.run_history import show_run
from inspection.store.metadata_store import open_store
from serving import versions

MADE = runpy.run_path(str(Path(__file__).with_name("made.py")))
FILES = [
    {
        "path": f"data/week-{week}.csv",
        "digest": f"{week:016x}",
        "bytes": 4000 + week,
        "span": str(week),
        "version": None,
        "rows": {"train": 200, "eval": 60, "test": 40},
    }
    for week in range(1, 9)
]
COMMIT = {
    "folder": "/home/ann/project",
    "commit": "0123456789abcdef0123",
    "dirty": True,
    "changed": ["configs/houses.toml"],
}
ORIGIN = {
    "git": [COMMIT],
    "identity": {"config": "c0ffee", "data": "da7a", "schema": "5c4e", "code": "c0de"},
    "command": ["runner.py", "--local", "--set", "training.epochs=9", "--set=network.layers=[8]"],
    "tuned": {"training.optimizer.learning_rate": 0.0125, "network.layers": [16]},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two runs of houses: the second run's model, tuned on eight files, replaced the first one's."""
    MADE["make"](tmp_path)
    for number, origin in (("1", {"files": FILES[:1]}), ("4", {"files": FILES, **ORIGIN})):
        path = tmp_path / "houses" / "runs" / f"folder-{number}" / "run.json"
        facts = json.loads(path.read_text())
        facts["config"]["training"] = {"epochs": 9, "optimizer": {"name": "adam", "learning_rate": 1e-6}}
        facts["config"]["network"]["layers"] = [8, 4]
        path.write_text(json.dumps({**facts, **origin}))
        model = tmp_path / "houses" / "artifacts" / number / "model"
        model.mkdir()
        (model / "saved_model.pb").write_text(number)
        versions.place(
            str(model), str(tmp_path / "houses" / "serving"), check=len, model=f"artifacts/{number}/model", log=len
        )
    return tmp_path


def test_a_version_names_data_code_config_and_the_model_before_on_one_screen(root: Path, ask: Any) -> None:
    first_version, second_version = versions.pushed(str(root / "houses" / "serving"))
    store = open_store(str(root), None)
    old_model, new_model = sorted(int(model.id) for model in store.artifacts_of_type("Model"))[0::3]
    text = ask("show", new_model)
    assert len(text.splitlines()) < 45, "one screen"
    lines = {line.split("  ")[0]: line for line in text.splitlines()}
    assert lines["model"].endswith(f"Model {new_model}, trained by run-4")
    assert lines["serving"].endswith(f"version {second_version} serves")
    assert lines["verdict"].endswith("blessed: r2 0.9 meets the required 0.8")
    assert lines["before"].endswith(f"Model {old_model}, version {first_version}, trained by run-1")
    assert "config changed  training.optimizer.learning_rate: 1e-06 → 0.0125 (from the tuner)" in text
    assert "8 files, 2,400 rows" in lines["data"]
    assert "data/week-8.csv, span 8, 300 rows, 4,008 bytes, digest 0000000000000008" in text
    assert "and 3 before these: --json lists all" in text
    assert lines["code"].endswith(
        "commit 0123456789ab of /home/ann/project, with uncommitted changes: configs/houses.toml"
    )
    assert "config c0ffee, data da7a, schema 5c4e, code c0de" in lines["digests"]
    assert lines["--set"].endswith("training.epochs=9; network.layers=[8]")
    assert "training.optimizer.learning_rate = 0.0125 (from the tuner; the config has 1e-06)" in text
    assert "python 3.10.13, tfx 1.16.0" in lines["libraries"]
    assert ["mae", "0.75", "0.7", "to", "0.8", "0.7", "worse"] in [line.split() for line in text.splitlines()]
    assert "ingestion" not in text, "the nodes are for a run"

    provenance = ask("show", new_model, "--json")["provenance"]
    assert provenance["files"] == FILES
    assert provenance["model"]["serves"] is True
    assert provenance["config"]["training"]["optimizer"]["learning_rate"] == 0.0125
    assert provenance["configured"] == {"training.optimizer.learning_rate": 1e-6, "network.layers": [8, 4]}
    assert ask("show", old_model, "--json")["provenance"]["model"]["status"] == (
        f"version {first_version} does not serve: version {second_version} serves"
    )


def test_a_run_names_its_model_and_a_blocked_run_its_reason(root: Path, ask: Any) -> None:
    assert "version" in ask("show", "run-4")
    text = ask("show", "run-5")
    assert "mean 9000 is above 5000" in text
    assert "\nmodel" not in text
    assert ask("show", "run-5", "--json")["provenance"]["model"] is None
    assert ask("show", "1700000004", "--json")["run"]["run_id"] == "run-4", "a pushed version"


def test_the_status_of_a_model_names_a_rollback_and_a_removed_version(root: Path, ask: Any) -> None:
    serving = str(root / "houses" / "serving")
    first_version, _ = versions.pushed(serving)
    restored = versions.restore(serving, first_version)
    models = sorted(int(model.id) for model in open_store(str(root), None).artifacts_of_type("Model"))
    status = ask("show", models[0], "--json")["provenance"]["model"]["status"]
    assert status == f"version {restored} serves (restored by a rollback)"
    for number in versions.pushed(serving):
        os.rename(versions.path(serving, number), f"{root}/{number}")
    status = ask("show", models[0], "--json")["provenance"]["model"]["status"]
    # Its push names a folder "pushed", where a real one names the version's.
    assert status == "its version pushed was removed from the serving folder: no version serves"


def test_a_served_model_that_was_imported_into_the_store_is_named_by_its_version(root: Path) -> None:
    store = open_store(str(root), None)
    serving = str(root / "houses" / "serving")
    first_version, second_version = versions.pushed(serving)
    imported = store.artifacts_of_type("Model")[0]
    digest = versions.digest(versions.path(serving, first_version))
    imported.uri = f"{root}/houses/artifacts/baseline/model/{first_version}-{digest[:8]}"
    assert provenance._served(imported, show_run(store, "run-4")) == ([first_version], second_version)


def test_comparison_and_report_have_the_values_of_the_tuner(root: Path, ask: Any) -> None:
    compared = run_comparison.compare(open_store(str(root), None), "run-1", "run-4")
    config = {entry.subject: entry for entry in compared.sections[0].differences}
    rate = config["training.optimizer.learning_rate"]
    assert (rate.a, rate.b, rate.aspect) == (1e-6, 0.0125, "B from the tuner")
    assert "B from the tuner" in ask("compare", "run-1", "run-4")
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    assert "0.0125 (from the tuner; the config has 1e-06)" in page.report(facts)
    assert "From the tuner: training.optimizer.learning\\_rate = 0.0125" in model_card.card(facts)


def test_a_metric_that_is_too_good_is_a_warning_in_report_and_card(root: Path) -> None:
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    assert "Check:" not in page.report(facts) + model_card.card(facts)
    facts.run = parse_run({"outcome": {"blessed": True, "too_good": "auc 1 is <unusually> good"}})
    assert '<p class="note">Check: auc 1 is &lt;unusually&gt; good</p>' in page.report(facts)
    card = model_card.card(facts)
    assert "\n- Check: auc 1 is " in card
    assert "<unusually>" not in card


def test_values_of_the_tuner_reach_lists_and_missing_tables_and_the_configs_own_are_not_marked() -> None:
    config = {"network": {"layers": [{"units": 4}], "dropout": 0.1}, "training": {"optimizer": None}}
    tuned = {"network.layers.0.units": 8, "training.optimizer.learning_rate": 0.5, "network.dropout": 0.1}
    run = parse_run({"config": config, "tuned": {**tuned, "network.layers.7.units": 1, "network.dropout.x": 1}})
    assert run.used == {
        "network": {"layers": [{"units": 8}], "dropout": 0.1},
        "training": {"optimizer": {"learning_rate": 0.5}},
    }
    assert run.config == config
    assert from_tuner(run) == {"network.layers[0].units": 4, "training.optimizer.learning_rate": None}
