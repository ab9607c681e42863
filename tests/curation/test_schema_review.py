import pytest

from components.ingestion.omissions import Omissions
from curation import new_config, schema_review
from errors import UserError


@pytest.fixture
def root(tmp_path, rng):
    """A repository with one pipeline, made from 400 rows."""
    for folder in ("configs", "schemas", "data"):
        (tmp_path / folder).mkdir()
    rows = [f"{row % 7},{'ab'[row % 2]},{row % 5},{row * 1.5}" for row in range(400)]
    (tmp_path / "data/t.csv").write_text("n,c,kind_code,y\n" + "\n".join(rows) + "\n")
    new_config.new(str(tmp_path), "made", str(tmp_path / "data/t.csv"), label="y")
    return tmp_path


def edit(root, old_text, new_text):
    path = root / "data/t.csv"
    path.write_text(path.read_text().replace(old_text, new_text))


def run(step, root):
    return getattr(schema_review, step)(schema_review.Choice(root=str(root), name="made", data_root=str(root)))


def test_data_that_has_not_changed_has_no_difference(root):
    assert run("diff", root) == []


def test_numbers_of_another_format_than_the_config_says_are_refused_as_a_run_refuses_them(root):
    config = root / "configs/made.toml"
    rows = "".join(f"{row % 7};{'ab'[row % 2]};{row % 5};{row},5\n" for row in range(40))
    (root / "data/t.csv").write_text("n;c;kind_code;y\n" + rows)
    config.write_text(config.read_text().replace("[data]", '[data]\ncsv = {delimiter = ";", decimal = ","}'))
    omissions = Omissions()
    choice = schema_review.Choice(root=str(root), name="made", data_root=str(root))
    assert [difference for difference in schema_review.diff(choice, omissions) if difference.rank < 2] == []
    assert 'converted 3 columns: numbers written with decimal = "," (n, kind_code, y)' in omissions.lines()

    edit(root, ",5\n", ".5\n")
    assert [str(difference) for difference in run("diff", root)] == [
        "refused  y: the schema says FLOAT, the data is BYTES: as '0.5'"
    ]
    config.write_text(config.read_text().replace('decimal = ","}', 'decimal = ",", plain = ["y"]}'))
    assert [difference for difference in run("diff", root) if difference.rank < 2] == []


@pytest.mark.filterwarnings("error")
def test_numbers_beyond_the_range_of_floats_are_compared_without_a_warning(root):
    edit(root, "\n0,a,0,0.0\n", "\n1e400,a,0,0.0\n")
    assert 'name: "n"\n  type: FLOAT' in run("infer", root).text


def test_the_loop_infer_look_approve(root):
    approved = root / "schemas/made.pbtxt"
    approved.write_text(approved.read_text().replace('feature {\n  name: "c"', '# Ours.\nfeature {\n  name: "c"'))
    schema = approved.read_text()
    edit(root, ",a,", ",new,")
    assert [difference.text for difference in run("diff", root)] == [
        "1 new value: 'new' 50.00%; together 200 of 400 rows (50.00%), the schema allows 5.00%"
    ]
    proposed = run("propose", root).path
    assert proposed.endswith("schemas/made.proposed.pbtxt")
    assert approved.read_text() == schema
    proposal = root / "schemas/made.proposed.pbtxt"
    inferred = proposal.read_text()
    run("propose", root)
    assert not (root / "schemas/made.proposed.pbtxt.previous").exists(), "nothing was edited"
    proposal.write_text("# mine")
    run("propose", root)
    assert (root / "schemas/made.proposed.pbtxt.previous").read_text() == "# mine"
    assert proposal.read_text() == inferred
    output = run("approve", root)
    assert "schemas/made.pbtxt.previous" in output
    assert (root / "schemas/made.pbtxt.previous").read_text() == schema
    assert '# Ours.\nfeature {\n  name: "c"' in approved.read_text()
    assert 'value: "new"' in approved.read_text()
    assert not (root / "schemas/made.proposed.pbtxt").exists()
    assert run("diff", root) == []


def test_a_column_keeps_its_approved_type_where_it_fits(root):
    approved = root / "schemas/made.pbtxt"
    block = 'name: "kind_code"\n  type: '
    approved.write_text(approved.read_text().replace(f"{block}INT", f"{block}BYTES"))
    assert f"{block}BYTES" in run("infer", root).text


def test_approving_nothing_or_what_the_config_cannot_use_is_refused(root):
    with pytest.raises(
        UserError,
        match=r"made.proposed.pbtxt does not exist: write it with `python runner.py "
        r"schema infer made`",
    ):
        run("approve", root)
    (root / "schemas/made.proposed.pbtxt").write_text('feature { name: "n" type: INT }')
    schema = (root / "schemas/made.pbtxt").read_text()
    with pytest.raises(UserError, match=r"names 'c', which schemas/made.proposed.pbtxt does not define"):
        run("approve", root)
    (root / "schemas/made.proposed.pbtxt").write_text("feature {")
    with pytest.raises(UserError, match="this is not a schema"):
        run("approve", root)
    assert (root / "schemas/made.pbtxt").read_text() == schema


def test_rows_that_the_config_leaves_out_are_not_compared(root):
    edit(root, "\n6,b,", "\n-6,b,")
    assert [difference.column for difference in run("diff", root)] == ["n"]
    config = root / "configs/made.toml"
    config.write_text(config.read_text().replace("[data]\n", '[data]\nexclude = ["n < 0"]\n'))
    assert run("diff", root) == []


def test_rows_without_a_label_are_left_out_as_a_run_leaves_them_out(root):
    edit(root, ",a,0,0.0\n", ",a,0,\n")
    omissions = Omissions()
    assert schema_review.diff(schema_review.Choice(root=str(root), name="made", data_root=str(root)), omissions) == []
    assert omissions.lines() == ["left out 1 row: blank label"]
    assert "missing" not in run("infer", root).text
    edit(root, ",a,4,", ",a,4,\n1,a,4,")
    [difference] = run("diff", root)
    assert difference.stops
    assert str(difference).startswith(
        "refused  y: the label 'y' is null in 41 of 440 rows, more than data.max_null_label"
    )


def test_a_proposal_that_drops_a_used_column_is_refused_by_its_own_name(root):
    edit(root, "n,c,kind_code,y", "n,city,kind_code,y")
    run("propose", root)
    schema = (root / "schemas/made.pbtxt").read_text()
    with pytest.raises(UserError) as refused:
        run("approve", root)

    assert "'c', which schemas/made.proposed.pbtxt does not define" in str(refused.value)
    assert str(refused.value).endswith("\nChange the config first, or keep the column in the proposed schema")
    assert (root / "schemas/made.pbtxt").read_text() == schema


def test_files_with_different_columns_are_named_with_the_probable_new_name(root):
    """As the newest file of a window, in which a column was renamed."""
    text = (root / "data/t.csv").read_text()
    (root / "data/t2.csv").write_text(text.replace("n,c,kind_code,y", "n,city,kind_code,y"))
    config = root / "configs/made.toml"
    config.write_text(config.read_text().replace('"data/t.csv"', '["data/t.csv", "data/t2.csv"]'))

    assert [str(difference) for difference in run("diff", root)] == [
        "refused  c: the column is missing from data/t2.csv: c -> city? Rename it there, or in config and schema",
        "refused  city: new column (BYTES) in data/t2.csv, which is not in the schema",
    ]
    with pytest.raises(UserError) as refused:
        run("infer", root)
    lacks_c, lacks_city, advice = str(refused.value).splitlines()
    assert (lacks_c, lacks_city) == (
        "data/t2.csv: column 'c' is missing: c -> city?",
        "data/t.csv: column 'city' is missing",
    )
    assert "no schema fits all of them" in advice
    assert run("diff", root) != []
    config.write_text(config.read_text().replace("[data]\n", '[data]\ndrop = ["c", "city"]\n'))
    assert [difference.column for difference in run("diff", root)] == ["c"], "it is now missing from both"


def test_a_proposal_from_a_normal_week_allows_what_the_approved_schema_allows(root):
    """Values, nulls and ranges that one delivery happens not to contain stay, and are marked."""
    approved = root / "schemas/made.pbtxt"
    text = approved.read_text().replace('  value: "b"', '  value: "b"\n  value: "rare"')
    text = text.replace("int_domain { min: 0 }", "int_domain { min: 0 max: 5 }", 1)
    complete = "presence { min_fraction: 1.0 min_count: 1 }\n  shape { dim { size: 1 } }"
    head, separator, kind_code = text.partition('name: "kind_code"')
    kind_code = kind_code.replace(
        complete, "presence { min_fraction: 0.5 min_count: 3 }\n  value_count { min: 1 max: 1 }", 1
    )
    approved.write_text(head + separator + kind_code + "\ndataset_constraints { min_examples_count: 7 }\n")
    edit(root, "\n2,a,", "\n2,new,")
    marks = run("propose", root).marks

    assert list(marks) == [
        'c: kept although not in this data: "rare"',
        "kind_code: kept optional although never null in this data",
    ]
    proposal = root / "schemas/made.proposed.pbtxt"
    proposed = schema_review.parse(str(proposal))
    assert [list(domain.value) for domain in proposed.string_domain] == [["a", "b", "rare", "new"]]
    features = {feature.name: feature for feature in proposed.feature}
    assert (features["n"].int_domain.min, features["n"].int_domain.max) == (0, 6)
    assert (features["kind_code"].presence.min_fraction, features["kind_code"].presence.min_count) == (0.5, 3)
    assert not features["kind_code"].HasField("shape")
    assert proposed.dataset_constraints.min_examples_count == 7
    assert '  # kept although not in this data: "rare"\n' in proposal.read_text()
    run("approve", root)
    assert run("diff", root) == []
    edit(root, ",new,", ",rare,")
    assert next(iter(run("propose", root).marks)) == 'c: kept although not in this data: "new"'
    run("approve", root)
    assert approved.read_text().count("# kept although") == 1, "a mark of an earlier proposal goes"


def test_a_proposal_widens_where_the_data_does(root):
    edit(root, "\n3,b,", "\n3,,")
    edit(root, "\n0,a,", "\n-4,a,")
    marks = run("propose", root).marks
    features = {
        feature.name: feature for feature in schema_review.parse(str(root / "schemas/made.proposed.pbtxt")).feature
    }

    assert list(marks) == []
    assert features["c"].presence.min_fraction < 1
    assert (features["c"].value_count.min, features["c"].HasField("shape")) == (1, False)
    assert features["n"].int_domain.min == -4


def test_each_approved_schema_is_kept_under_a_number(root):
    texts = [(root / "schemas/made.pbtxt").read_text()]
    for row, value in ((5, "x"), (6, "y")):
        edit(root, f"\n{row},b,", f"\n{row},{value},")
        run("propose", root)
        run("approve", root)
        texts.append((root / "schemas/made.pbtxt").read_text())

    assert len(set(texts)) == 3
    backups = [(root / f"schemas/made.pbtxt.{name}previous").read_text() for name in ("", "2.")]
    assert backups == texts[:2]
