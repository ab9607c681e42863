"""Shares of the splits by the rows of the rarer class, and the message of `new` about a class that is too rare."""

import pytest
import tomli

from curation import new_config


@pytest.fixture
def proposed(tmp_path):
    """Lets `new` look at a table with so many rows of each class; returns the config's text and its values."""

    def propose(common, rare):
        rows = [f"{(place * 37) % 1000 / 10},{'sick' if place < rare else 'well'}" for place in range(common + rare)]
        for folder in ("configs", "schemas"):
            (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / "made.csv"
        path.write_text("\n".join(["size,state", *rows, ""]))
        text = new_config.new(str(tmp_path), "made", str(path), label="state", force=True).config
        return text, tomli.loads(text)

    return propose


@pytest.mark.parametrize(
    ("common", "rare", "shares"),
    [
        (3000, 700, (8, 1, 1)),
        (3000, 400, (6, 2, 2)),
        (3000, 250, (6, 2, 2)),
        (3000, 240, (1, 1, 1)),
        (700, 700, (6, 2, 2)),
    ],
)
def test_the_test_split_is_as_small_as_50_rows_of_the_rarer_class_allow(proposed, common, rare, shares):
    text, config = proposed(common, rare)
    split = config["data"]["split"]
    assert (split["train"], split["eval"], split["test"]) == shares
    assert "too few" not in text
    assert "gates" not in config


@pytest.mark.parametrize(("common", "rare"), [(200, 200), (250, 150), (320, 80)])
def test_a_small_table_whose_classes_are_not_rare_keeps_three_fifths_to_train(proposed, common, rare):
    text, config = proposed(common, rare)
    split = config["data"]["split"]
    assert (split["train"], split["eval"], split["test"]) == (6, 2, 2)
    assert f"{rare:,} rows of '{'well' if rare > common else 'sick'}' are too few for 50 in each split" in text


def test_a_class_that_a_hash_may_leave_with_fewer_is_stratified(proposed):
    _, config = proposed(3000, 250)
    assert config["data"]["split"]["stratify"] == 50
    assert "stratify" not in proposed(3000, 700)[1]["data"]["split"]


def test_a_class_that_is_too_rare_for_50_rows_is_named(proposed):
    text, config = proposed(3000, 120)
    assert config["data"]["split"]["test"] == 1
    assert "120 rows of 'sick' are too few for 50 in each split, so its metrics are uncertain" in text
    assert "gates" not in config


def test_a_class_that_the_gate_would_block_only_warns_with_the_reason_in_the_config(proposed):
    text, config = proposed(3000, 20)
    assert config["gates"] == {"rare": "warn"}
    assert "20 rows of 'sick': too few to judge a model by" in text


def test_a_rare_class_has_a_floor_of_pr_auc_and_a_common_one_has_none(proposed):
    text, config = proposed(3000, 120)
    share = 120 / 3120
    assert config["evaluation"]["floor"]["pr_auc"] == pytest.approx(2 * share, abs=0.011)
    assert "guessing reaches 0.0385" in text
    assert list(proposed(700, 700)[1]["evaluation"]["floor"]) == ["auc"]


def test_a_rule_relative_to_boosted_trees_is_offered_as_a_comment(proposed):
    text, config = proposed(700, 700)
    assert "rules" not in config["evaluation"]
    assert '# rules = [{metric = "auc", better_than = "boosted_trees"}]' in text
