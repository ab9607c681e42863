import itertools
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli

from curation import new_config, schema_review
from errors import UserError
from pipeline import load
from pipeline.variants import Name


@pytest.fixture
def root(tmp_path):
    """A repository without pipelines."""
    for folder in ("configs", "schemas", "data"):
        (tmp_path / folder).mkdir()
    return tmp_path


@pytest.fixture
def make(root):
    """Writes a CSV file of columns, proposes, and reads what was written as a run does."""

    def run(label=None, /, **columns):
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)]
        (root / "data" / "t.csv").write_text("\n".join(lines) + "\n")
        proposal = new_config.new(str(root), "made", str(root / "data" / "t.csv"), label=label, force=True)
        return proposal, load.reviewed(str(root), Name("made"))

    return run


def test_a_made_table_is_understood(make, rng):
    rows = 4000
    zips = rng.choice([10001, 60601, 94110, 33109, 73301], rows)
    area = rng.gamma(4, 30, rows).round(1)
    proposal, reviewed = make(
        row_id=[f"R{row:05d}" for row in rng.permutation(rows)],
        area=[None if row % 40 == 0 else value for row, value in enumerate(area)],
        rooms=rng.poisson(3, rows),
        zip=zips,
        region=rng.choice(["north", "south"], rows),
        country=["US"] * rows,
        built=[f"20{10 + row % 9}-0{1 + row % 9}-15" for row in range(rows)],
        user=[f"u{value:05d}" for value in rng.integers(0, 2000, rows)],
        rent=(area * 2 + zips % 7 * 10 + rng.normal(0, 5, rows)).round(2),
    )
    config = reviewed.config
    assert (config.label.column, config.label.task) == ("rent", "regression")
    assert config.columns.id == "row_id"
    assert config.features.ignored == ("country",)
    assert [entry.column for entry in config.features.of("numeric")] == ["area", "rooms"]
    assert [entry.column for entry in config.features.of("categorical")] == ["zip", "region"]
    assert [entry.column for entry in config.features.of("hashed")] == ["user"]
    assert [entry.column for entry in config.features.of("date")] == ["built"]
    assert config.features.of("numeric")[0].missing == "median"
    assert config.data.path == "data/t.csv"
    assert reviewed.columns["zip"] == "INT"
    assert "country is ignored: constant: every row has 'US'" in proposal.findings
    assert [line for line in proposal.config.splitlines() if line.startswith("# time = ")]


def test_every_choice_has_its_reason(make, rng):
    proposal, _ = make(a=rng.normal(size=400), b=rng.integers(0, 4, 400), c=rng.choice(["x", "y"], 400))
    lines = proposal.config.split("[features]")[1].split("[training]")[0].splitlines()
    choices = [(above, line) for above, line in itertools.pairwise(lines) if re.match(r"  \{|\w+ = (?!\[$)", line)]
    assert len(choices) > 5
    assert [line for above, line in choices if "#" not in line and not above.strip().startswith("#")] == []


def test_files_that_are_there_stay_unless_forced(make, root, rng):
    make(a=rng.normal(size=40), y=rng.normal(size=40))
    config = root / "configs/made.toml"
    config.write_text("mine")
    with pytest.raises(UserError, match=r"configs/made.toml and schemas/made.pbtxt already exist: .*--force"):
        new_config.new(str(root), "made", str(root / "data/t.csv"))
    assert config.read_text() == "mine"
    new_config.new(str(root), "made", str(root / "data/t.csv"), force=True)
    assert tomli.loads(config.read_text())["label"]["column"] == "y"
    assert (root / "configs/made.toml.previous").read_text() == "mine"
    config.write_text("mine again")
    new_config.new(str(root), "made", str(root / "data/t.csv"), force=True)
    assert (root / "configs/made.toml.previous").read_text() == "mine", "what was kept is not replaced"
    assert (root / "configs/made.toml.2.previous").read_text() == "mine again"
    assert load.names(str(root)) == ["made"]


@pytest.mark.parametrize("name", ["Made", "1st", "a-b", "a.b", "../x", "", "a b", "x" * 64])
def test_a_name_that_is_none_is_refused(root, name):
    with pytest.raises(UserError, match="is not a valid pipeline name"):
        new_config.new(str(root), name, "t.csv")


def test_names_that_clash_or_that_keras_refuses_are_ignored(make, rng):
    rows = 200
    dates = [f"2020-0{1 + row % 9}-11" for row in range(rows)]
    numbers = {name: rng.normal(size=rows) for name in ("day_month", "row_weight", "a/b", "label", "y")}
    _, reviewed = make("y", day=dates, **numbers)
    features = reviewed.config.features
    assert set(features.ignored) == {"day_month", "row_weight", "a/b", "label"}
    assert [entry.column for entry in features.date] == ["day"]


def test_no_column_left_is_refused(make):
    with pytest.raises(UserError, match=r"no column is left to predict 'y' from: 'a': constant"):
        make("y", a=["c"] * 50, y=[row % 7 * 1.5 for row in range(50)])


def test_a_label_of_texts_that_hold_amounts_is_named(make):
    findings = make(
        "y", x=[row % 50 * 1.5 for row in range(300)], y=[f"0{row % 9}:{10 + row % 7}" for row in range(300)]
    )[0].findings
    [said] = [finding for finding in findings if finding.startswith("y is read as text: they are times such as ")]
    assert "write them in the data as numbers of hours" in said


def test_rows_without_a_label_are_allowed_for(make, rng):
    proposal, reviewed = make(
        "y", a=rng.normal(size=100), y=[None if row % 5 == 0 else row * 1.5 for row in range(100)]
    )
    assert reviewed.config.data.max_null_label >= 0.2
    assert "label: y (set with --label); left out: 20 blank label" in proposal.findings
    assert "y" in reviewed.columns


@pytest.mark.parametrize("rows", [12, 100, 1000, 5000])
def test_a_size_has_its_network_and_split(make, rng, rows):
    _, reviewed = make("y", a=rng.normal(size=rows), b=rng.normal(size=rows), y=rng.normal(size=rows))
    config = reviewed.config
    assert config.network["name"] == {12: "linear", 100: "linear", 1000: "mlp", 5000: "tabm"}[rows]
    assert config.data.split.by == ("all" if rows < 30 else "hash")
    assert config.data.split.train == (8 if rows in (12, 5000) else 6)


def test_many_categories_go_straight_to_the_output_and_vectors_of_categories_into_an_ensemble(make, rng):
    rows = 6000
    codes = {f"c{at}": [f"v{value}" for value in rng.integers(0, 280, rows)] for at in range(4)}
    numbers = {"a": rng.normal(size=rows), "y": rng.normal(size=rows)}
    _, wide = make("y", **codes, **numbers)
    assert wide.config.network["name"] == "wide_deep"
    assert wide.config.training.optimizer.learning_rate == 3e-3
    _, vectors = make("y", user=[f"u{value}" for value in rng.integers(0, 2000, rows)], **numbers)
    assert vectors.config.network["name"] == "tabm"


def test_a_rare_class_has_a_suggestion(make, rng):
    proposal, _ = make("y", a=rng.normal(size=1000), y=["rare" if row % 50 == 0 else "often" for row in range(1000)])
    assert "# class_weights = \"balanced\"  # 'rare' is rare (2.0%)" in proposal.config


def test_the_floor_is_what_no_learning_reaches(make, rng):
    _, binary = make("y", a=rng.normal(size=60_000), y=["p", "q"] * 30_000)
    assert binary.config.evaluation.floor == {"auc": 0.52}
    _, classes = make("y", a=rng.normal(size=60_000), y=["p", "q", "r", "p"] * 15_000)
    assert classes.config.evaluation.floor == {"accuracy": 0.52}
    _, number = make("y", a=rng.normal(size=400), y=rng.normal(size=400))
    assert number.config.evaluation.floor == {"r2": 0.02}


def test_the_floor_is_above_what_chance_reaches_on_few_rows(make, rng):
    # A fifth is the test split: 48 rows, of which 24 and 24, or 80 rows, 40 of the most frequent class.
    proposal, binary = make("y", a=rng.normal(size=240), y=["p", "q"] * 120)
    _, classes = make("y", a=rng.normal(size=400), y=["p", "q", "r", "p"] * 100)
    truth, guesses = np.arange(48) % 2, rng.normal(size=(2000, 48))
    aucs_of_guesses = (guesses[:, truth == 1][:, :, np.newaxis] > guesses[:, truth == 0][:, np.newaxis, :]).mean(
        axis=(1, 2)
    )
    accuracies_of_guesses = rng.binomial(80, 0.5, 2000) / 80

    assert 0.01 < (aucs_of_guesses >= binary.config.evaluation.floor["auc"]).mean() < 0.04
    assert 0.005 < (accuracies_of_guesses >= classes.config.evaluation.floor["accuracy"]).mean() < 0.04
    assert "guessing reaches 0.5, and up to 0.67 by chance on 48 rows" in proposal.config
    assert "above this floor" not in proposal.config


@pytest.mark.parametrize("values", [["p", "q"], ["p", "q", "r", "p"]])
def test_a_floor_that_chance_reaches_says_so(make, rng, values):
    proposal, config = make("y", a=rng.normal(size=40), y=values * (40 // len(values)))
    [floor] = config.config.evaluation.floor.values()

    assert floor == 0.75
    assert "by chance on 8 rows, above this floor: test on more rows" in proposal.config


def test_slices_are_small_categories_with_rows_enough(make, rng):
    rows = 4000
    _, reviewed = make(
        "y",
        few=rng.choice(["a", "b"], rows),
        more=rng.choice(list("abcdefgh"), rows),
        rare=["z" if row < 20 else "y" for row in rng.permutation(rows)],
        many=[f"c{value}" for value in rng.integers(0, 100, rows)],
        y=rng.normal(size=rows),
    )
    assert reviewed.config.evaluation.slices == ("more", "few")


def test_any_table_gives_a_config_that_loads(make):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = int(rng.integers(5, 300))
        kinds = [
            lambda rng, rows: rng.normal(size=rows),
            lambda rng, rows: rng.integers(0, rng.integers(1, 50), rows),
            lambda rng, rows: rng.choice(["ä", "b c", "'x'", "#", ">"], rows),
            lambda rng, rows: [f"w{value}" for value in rng.integers(0, 500, rows)],
            lambda rng, rows: [f"2021-{1 + value:02d}-01" for value in rng.integers(0, 12, rows)],
            lambda rng, rows: rng.choice([1e30, -1e-30, 0.0, 3e38, 1e39], rows),
            lambda rng, rows: [None] * rows,
        ]
        columns = {f"c{at}": list(rng.choice(kinds)(rng, rows)) for at in range(5)}
        for values in columns.values():
            if rng.random() < 0.4:
                step = int(rng.integers(2, 9))
                values[::step] = [None] * len(values[::step])
        make("y", **columns, y=rng.normal(size=rows))


def test_columns_that_no_cell_can_hold_are_dropped_and_the_rest_is_used(root, rng):
    rows = 300
    table = {
        "tags": pa.array([["a", "b"]] * rows),
        "took": pa.array(rng.integers(0, 10**6, rows), pa.duration("ms")),
        "key": pa.array(2**63 + np.arange(rows, dtype=np.uint64)),
        "": pa.array(rng.normal(size=rows)),
        "__index_level_0__": pa.array(rng.permutation(rows)),
        "y": pa.array(rng.choice(["no", "yes"], rows)),
    }
    pq.write_table(pa.table(table), root / "data" / "t.parquet")
    proposal = new_config.new(str(root), "made", str(root / "data" / "t.parquet"), label="y")
    reviewed = load.reviewed(str(root), Name("made"))

    assert reviewed.config.data.drop == ("", "tags")
    assert reviewed.columns == {"took": "FLOAT", "key": "BYTES", "y": "BYTES"}
    assert [entry.column for entry in reviewed.config.features.of("numeric")] == ["took"]
    assert "tags is dropped: it holds list<string>, and a cell is one number or text" in proposal.findings
    assert "'' is dropped: it has no name" in proposal.findings
    assert "# '' is dropped: it has no name; tags is dropped: it holds list" in proposal.config
    assert schema_review.diff(schema_review.Choice(root=str(root), name="made", data_root=str(root))) == []


def test_every_ignored_column_is_reported_with_its_reason(make, rng):
    rows = 400
    proposal, reviewed = make(
        "y",
        note=[f"n{value}" for value in rng.permutation(rows)],
        other=[f"x{value} {value}" for value in rng.permutation(rows)],
        a=[None] * rows,
        b=[None] * rows,
        x=rng.normal(size=rows),
        x_bucket=["u"] * rows,
        label=rng.normal(size=rows).round(3),
        y=rng.integers(0, 2, rows),
    )
    sentence = ", ".join(
        re.split(r" (?:is|are) ignored: ", line)[0] for line in proposal.findings if " ignored: " in line
    )
    assert {*reviewed.config.features.ignored} == {"other", "a", "b", "x_bucket", "label"} == {*sentence.split(", ")}
    assert "a, b are ignored: no row has a value" in proposal.findings
    assert any(
        line.startswith("label is ignored: its feature 'label' has the name of the label") for line in proposal.findings
    )


def test_equal_rows_with_several_labels_are_named(make):
    texts = [f"the quick brown fox number {row // 2} jumps" for row in range(400)]
    kinds = ["ab"[row % 2] if row < 100 else "ab"[row // 2 % 2] for row in range(400)]
    proposal, _ = make("kind", text=texts, kind=kinds)
    sentence = (
        "100 of 400 rows (25 %) have equal features but different labels: no model can predict more than 87.5 % of all"
    )

    assert sum(reasons.startswith(sentence) for reasons in proposal.findings) == 1
    ids = [row // 3 for row in range(400)]
    proposal, _ = make("kind", customer_id=ids, text=texts, kind=kinds)
    assert any(reasons.startswith(sentence) for reasons in proposal.findings), (
        "what names a customer is hinted to be no feature"
    )
    proposal, _ = make("kind", text=texts, kind=["ab"[row // 2 % 2] for row in range(400)])
    assert not any("equal features" in reasons for reasons in proposal.findings)


def test_a_labels_heavy_tail_is_named_and_offers_stand_in_the_config(make, root, rng):
    labels = np.where(np.arange(1000) % 250 == 7, 1e6, rng.normal(size=1000)).round(3)
    proposal, reviewed = make("y", a=rng.normal(size=1000).round(3), y=labels)

    assert sum("y has a heavy tail" in sentence for sentence in proposal.findings) == 1
    assert '# transform = "signed_log"' in proposal.config
    assert '# loss = "huber"' in proposal.config
    active = proposal.config.replace('# transform = "sig', 'transform = "sig').replace('# loss = "hub', 'loss = "hub')
    (root / "configs/made.toml").write_text(active)
    assert load.load(str(root), "made").label.transform == "signed_log"
    assert reviewed.config.label.transform == "none"
