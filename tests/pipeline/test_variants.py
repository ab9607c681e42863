import pytest

from errors import UserError
from pipeline import load
from pipeline.variants import Name, merge

BASE = """
[data]
path = "data/points.csv"
[features]
numeric = [{column = "x"}, {column = "y"}]
[label]
column = "kind"
task = "binary"
positive = "inside"
[training]
epochs = 3
optimizer = {name = "adam", learning_rate = 0.5}
"""


@pytest.fixture
def root(tmp_path):
    """Writes configs/points.toml out of BASE and more."""

    def write(more):
        (tmp_path / "configs").mkdir()
        (tmp_path / "schemas").mkdir()
        (tmp_path / "configs/points.toml").write_text(BASE + more)
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("values", "overrides", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": False}, {"a": False}),
        ({"a": False}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"name": "mlp", "layers": [9]}}, {"a": {"name": "linear"}}, {"a": {"name": "linear"}}),
        ({"a": {"name": "mlp", "layers": [9]}}, {"a": {"name": "mlp"}}, {"a": {"name": "mlp", "layers": [9]}}),
        ({"a": {"task": "binary", "positive": "x"}}, {"a": {"task": "classes"}}, {"a": {"task": "classes"}}),
        ({"a": {"by": "hash", "salt": "x"}}, {"a": {"by": "all"}}, {"a": {"by": "all"}}),
        ({"a": {"layers": [9]}}, {"a": {"name": "linear"}}, {"a": {"name": "linear"}}),
    ],
)
def test_overrides_go_key_by_key_unless_the_table_is_about_something_else(values, overrides, merged):
    original = repr(values)
    assert merge(values, overrides) == merged
    assert repr(values) == original


def test_a_variant_differs_in_what_it_names_alone(root):
    folder = root("[variant.long]\ntraining.epochs = 9\n[variant.flat]\nnetwork.name = 'linear'\n")

    assert load.variants(folder, "points") == ["long", "flat"]
    assert load.load(folder, "points").training.epochs == 3
    long = load.load(folder, "points", variant="long")
    assert (long.training.epochs, long.training.optimizer.learning_rate) == (9, 0.5)
    assert load.load(folder, "points", variant="flat").network == {
        "name": "linear",
        "weights": [],
        "l1": 0.0,
        "l2": 0.0,
        "smooth_clip": None,
    }
    assert load.load(folder, "points", ["training.epochs=4"], variant="long").training.epochs == 4


def test_an_unknown_variant_is_answered_with_the_nearest(root):
    folder = root("[variant.long]\ntraining.epochs = 9\n")

    with pytest.raises(UserError, match=r"configs/points.toml has no variant 'lomg'. Did you mean 'long'\?"):
        load.load(folder, "points", variant="lomg")


@pytest.mark.parametrize("name", ["all", "sample", '"a b"', '"../up"'])
def test_a_variant_s_name_must_fit_a_folder_and_be_free(root, name):
    with pytest.raises(UserError, match="a variant's name consists of letters, digits, - and _, and is neither"):
        load.load(root(f"[variant.{name}]\ntraining.epochs = 9\n"), "points")


@pytest.mark.parametrize("more", ["[variant]\nlong = 3\n", "[[variant]]\nlong = 3\n"])
def test_a_variant_is_a_table(root, more):
    with pytest.raises(UserError, match=r"write each variant as a table, \[variant.NAME\]"):
        load.load(root(more), "points")


def test_a_file_that_needs_its_variants_names_them(root):
    folder = root("[evaluation]\nfloor = {r2 = 0.5}\n[variant.long]\n[variant.flat]\n")

    with pytest.raises(UserError, match="choose one with --variant long, or all with --variant all"):
        load.load(folder, "points")


def test_a_wrong_key_of_a_variant_is_named(root):
    with pytest.raises(UserError, match=r"training.epoch is not a known key. Did you mean 'epochs'\?"):
        load.load(root("[variant.long]\ntraining.epoch = 9\n"), "points", variant="long")


def test_a_variant_may_have_a_schema_of_its_own(root, tmp_path):
    folder = root("[variant.long]\ntraining.epochs = 9\n")
    (tmp_path / "schemas/points.pbtxt").write_text("")
    assert load.schema_name(folder, "points", "long") == "points"
    (tmp_path / "schemas/points-long.pbtxt").write_text("")
    assert load.schema_name(folder, "points", "long") == "points-long"
    assert load.schema_name(folder, "points", None) == "points"


@pytest.mark.parametrize(
    ("name", "run"),
    [
        (Name("points"), "points"),
        (Name("points", "long"), "points-long"),
        (Name("points", sample=True), "points-sample"),
        (Name("points", "long", sample=True), "points-long-sample"),
    ],
)
def test_runs_have_names_of_their_own(name, run):
    assert name.run == run
