"""From data without a config to a pushed model, with `new` and a run."""

import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from .conftest import copy_tree, run_json, runner


@pytest.fixture
def tree(tmp_path):
    """A copy of the repository."""
    return copy_tree(tmp_path / "tree", rows=10)


@pytest.fixture
def new_and_run(tree):
    """Return a function that runs `new` and then the next command that it prints; it returns both results."""

    def run(path, *arguments):
        proposed = runner("new", "made", path, *arguments, tree=tree)
        assert proposed.code == 0, proposed.err
        command = proposed.out.splitlines()[-1].split("python runner.py ")[1]
        assert command == "--local --pipeline made"
        return proposed, runner(*command.split(), "--root", tree / "runs", tree=tree)

    return run


def table(rows=1500):
    """A CSV with '?' for missing, blanks around cells, CRLF, an id, a constant and a label of two texts."""
    rng = np.random.default_rng(5)
    age, job = rng.integers(18, 80, rows), rng.choice(["clerk", "farmer", "smith"], rows)
    score = 0.08 * (age - 50) + 1.5 * (job == "smith") + rng.logistic(size=rows)
    lines = ["id; age; job; country; income\r\n"]
    for row in range(rows):
        cells = "?" if row % 20 == 3 else age[row], "?" if row % 25 == 4 else job[row]
        lines.append(f"P{row}; {cells[0]}; {cells[1]}; XY; {'>50K' if score[row] > 1 else '<=50K'}\r\n")
    return "\ufeff" + "".join(lines)


def test_a_table_with_question_marks_and_a_label_of_texts(new_and_run, tree):
    (tree / "data/people.csv").write_text(table(), newline="")
    proposed, result = new_and_run(tree / "data/people.csv")
    assert "id identifies rows: [columns] id, not a feature" in proposed.out
    assert "country is ignored: constant: every row has 'XY'" in proposed.out

    assert result.code == 0, result.err
    metrics = run_json(result)["outcome"]["metrics"]
    assert metrics["auc"] > 0.75
    assert "Pushed:" in result.out
    unused = re.findall(r"not used .+", result.out)
    assert unused == ["not used 1 column: [columns] id (id)", "not used 1 column: features.ignored (country)"]
    assert re.findall(r"not used .+", runner("doctor", "made", tree=tree).out) == unused

    equal_data = runner("schema", "diff", "made", tree=tree)
    assert (equal_data.code, equal_data.out) == (0, "the data matches schemas/made.pbtxt\n")
    changed = (tree / "data/people.csv").read_text().replace("smith", "baker")
    (tree / "data/people.csv").write_text(changed)
    changed_data = runner("schema", "diff", "made", tree=tree)
    assert changed_data.code == 3
    assert "refused  job: 1 new value: 'baker'" in changed_data.out
    for step in ("infer", "approve", "diff"):
        assert runner("schema", step, "made", tree=tree).code == 0


def test_a_folder_of_photos_of_mixed_size(new_and_run, tmp_path):
    rng = np.random.default_rng(6)
    for name, colour in (("day", 200), ("night", 50)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(60):
            width, height = rng.integers(70, 130, 2)
            photo = Image.fromarray(rng.normal(colour, 20, (height, width, 3)).clip(0, 255).astype(np.uint8))
            ImageDraw.Draw(photo).ellipse([10, 10, 50, 50], fill=(240, 20, 20))
            photo.save(tmp_path / "photos" / name / f"{number}.{'png' if number % 2 else 'jpg'}")
    proposed, result = new_and_run(tmp_path / "photos")
    assert "image: image" in proposed.out
    assert result.code == 0, result.err
    assert run_json(result)["outcome"]["metrics"]["accuracy"] > 0.9


def test_data_for_which_no_config_can_be_proposed_is_a_one_line_error(tree):
    (tree / "data/none.csv").write_text("id\n1\n2\n3\n")
    for path, message in (("data/none.csv", "Name it with --label COLUMN"), ("data/gone.csv", "there is no file")):
        result = runner("new", "made", tree / path, tree=tree)
        assert result.code == 2
        assert message in result.err
        assert len(result.err.splitlines()) == 1
    assert not (tree / "configs/made.toml").exists()
