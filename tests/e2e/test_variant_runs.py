"""Several variants of one config in one command."""

from .conftest import QUICK, runner

VARIANTS = """
[variant.proud]
evaluation.floor = {r2 = 0.999}
[variant.modest]
network = {name = "linear"}
"""


def test_every_variant_runs_under_its_own_name_even_after_a_rejected_one(small_tree):
    config = small_tree / "configs/houses.toml"
    config.write_text(config.read_text().replace("floor = {r2 = 0.87}\n", "") + VARIANTS)
    root = small_tree / "runs"
    result = runner("--local", "--variant", "all", "--root", root, *QUICK[:2], tree=small_tree)

    assert result.code == 3
    assert "houses-proud: the model is not blessed: r2" in result.err
    assert "houses-modest" not in result.err
    assert not (root / "houses-proud/serving").exists()
    assert len(list((root / "houses-modest/serving").glob("[0-9]*"))) == 1
    assert result.out.count("starting TensorFlow and TFX") == 1
    listed = runner("inspect", "runs", "--root", root, tree=small_tree)
    assert "houses-proud" in listed.out
    assert "houses-modest" in listed.out


def test_a_sample_runs_separately_and_its_gates_stop_nothing(small_tree):
    root = small_tree / "runs"
    floor = ["--set", "evaluation.floor={r2 = 0.999}"]
    result = runner("--local", "--sample", "400", "--root", root, *QUICK[:2], *floor, tree=small_tree)

    assert result.code == 0, result.err
    assert "advisory only: r2" in result.line("Blessed:")
    assert result.line("Pushed:").startswith(str(root / "houses-sample/serving"))
    assert not (root / "houses").exists()
    (counts,) = [line for line in result.out.splitlines() if line.startswith("ingestion")]
    train, other_splits = counts.split(" s  ")[1].split(" train, ")
    assert int(train) + sum(int(part.split()[0]) for part in other_splits.split(" test")[0].split(" eval, ")) == 400
