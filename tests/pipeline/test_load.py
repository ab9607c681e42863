"""Every way in which a config or schema is refused; one file because all stand on one made pair of them."""

import re
from pathlib import Path

import pytest

from errors import UserError
from pipeline import load
from pipeline.schema_columns import unused
from pipeline.variants import Name

REPOSITORY = str(Path(load.__file__).parents[1])
CONFIG = """
[data]
path = "data/flats.csv"
split = {column = "id"}

[features]
numeric = [{column = "area"}, {column = "rooms", scale = "none"}]
bucketized = [{column = "lat", quantiles = 4}, {column = "long", quantiles = 4}]
categorical = [{column = "city"}]
crossed = [{columns = ["lat", "long"], buckets = 16}]
date = [{column = "day"}]
ignored = ["id"]

[label]
column = "rent"

[network]
name = "mlp"
layers = [8]

[training]
optimizer = {name = "adam", learning_rate = 0.01}
epochs = 3

[evaluation]
slices = ["city", ["city", "rooms"]]
floor = {r2 = 0.5}
baseline = {metric = "mae"}
"""
TYPES = {
    "id": "BYTES",
    "area": "FLOAT",
    "rooms": "INT",
    "lat": "FLOAT",
    "long": "FLOAT",
    "city": "BYTES",
    "day": "BYTES",
    "rent": "INT",
}
FEATURE = 'feature {{ name: "{}" type: {} presence {{ min_fraction: 1.0 }} shape {{ dim {{ size: 1 }} }} }}\n'
SCHEMA = "".join(FEATURE.format(name, kind) for name, kind in TYPES.items())


@pytest.fixture
def root(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "schemas").mkdir()
    (tmp_path / "configs" / "flats.toml").write_text(CONFIG)
    (tmp_path / "configs" / "cottages.toml").write_text(CONFIG)
    (tmp_path / "configs" / "README.md").write_text("not a config")
    (tmp_path / "schemas" / "flats.pbtxt").write_text(SCHEMA)
    return tmp_path


@pytest.fixture
def edited(root):
    """Loads the config with one text replaced by another."""

    def run(old_text, new_text):
        assert CONFIG.count(old_text) == 1
        (root / "configs" / "flats.toml").write_text(CONFIG.replace(old_text, new_text))
        return load.load(str(root), "flats")

    return run


@pytest.fixture
def override(root):
    return lambda *overrides: load.load(str(root), "flats", overrides)


def exactly(*lines):
    return f"^{re.escape(chr(10).join(lines))}$"


def test_a_config_is_read(root):
    config = load.load(str(root), "flats")

    assert config.data.path == "data/flats.csv"
    assert config.network["layers"] == [8]
    assert config.training.epochs == 3


def test_names_are_those_of_the_toml_files(root):
    assert load.names(str(root)) == ["cottages", "flats"]


RUNS = [
    Name(name, variant) for name in load.names(REPOSITORY) for variant in (load.variants(REPOSITORY, name) or [None])
]


@pytest.mark.parametrize("name", RUNS, ids=lambda name: name.run)
def test_the_repositorys_own_configs_load_and_fit_their_schemas(name):
    reviewed = load.reviewed(REPOSITORY, name)

    assert set(reviewed.config.features.columns()) < set(reviewed.columns)


def test_houses_is_among_them():
    assert "houses" in load.names(REPOSITORY)
    assert load.load(REPOSITORY, "houses").label.column == "price"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("flat", "Did you mean 'flats'?"),
        ("xyz", "Known pipelines: cottages, flats."),
        ("../configs/flats", "Known pipelines: cottages, flats."),
        ("README", "Known pipelines: cottages, flats."),
    ],
)
def test_an_unknown_pipeline_is_named_with_the_nearest(root, name, hint):
    with pytest.raises(UserError, match=exactly(f"no pipeline {name!r}: configs/{name}.toml does not exist. {hint}")):
        load.load(str(root), name)


@pytest.mark.parametrize("content", [b"[data\n", b"a = \n", b"a = 1\na = 2\n", b'[data]\npath = "\xfc"\n'])
def test_text_that_is_no_toml_names_the_file(root, content):
    (root / "configs" / "flats.toml").write_bytes(content)
    with pytest.raises(UserError, match=r"^configs/flats\.toml: this is not TOML: ."):
        load.load(str(root), "flats")


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 5000 + "]" * 5000,
        "x = " + "{a = " * 3000 + "1" + "}" * 3000,
        "a." * 3000 + "b = 1",
        "a." * 900 + "b = 1",
        "[variant.v." + "a." * 900 + "b]",
        "x = " + "[" * 300 + "]" * 300,
    ],
    ids=["lists", "tables", "more parts", "parts", "a variant", "fewer lists"],
)
def test_values_that_are_nested_too_deep_are_refused(root, override, text):
    (root / "configs" / "flats.toml").write_text(f"{text}\n{CONFIG}")
    with pytest.raises(UserError, match=r"^configs/flats\.toml: (values are nested more than|this is not TOML)"):
        load.load(str(root), "flats", variant="v" if "variant" in text else None)
    (root / "configs" / "flats.toml").write_text(CONFIG)
    with pytest.raises(UserError, match=r"(nested more than 40 deep|has at most 40 parts)"):
        override(text.replace("[variant.v.", "").replace("b]", "b=1").replace(" = ", "=", 1))


@pytest.mark.parametrize(
    ("old_text", "new_text", "key", "nearest"),
    [
        ("[training]", "[trainig]", "trainig", "training"),
        ("epochs = 3", "epoch = 3", "training.epoch", "epochs"),
        ("epochs = 3", "batch-size = 3", "training.batch-size", "batch_size"),
        ("learning_rate = 0.01", "learning_rates = 0.01", "training.optimizer.learning_rates", "learning_rate"),
        ('{column = "id"}', '{colum = "id"}', "data.split.colum", "column"),
        ("numeric =", "numerics =", "features.numerics", "numeric"),
        ('"rooms", scale = "none"', '"rooms", scael = "none"', "features.numeric.1.scael", "scale"),
        ('"lat", quantiles = 4', '"lat", quantile = 4, quantiles = 4', "features.bucketized.0.quantile", "quantiles"),
        ("buckets = 16", "buckets = 16, bucket = 3", "features.crossed.0.bucket", "buckets"),
        ('"long"], buckets', '"long"], column = 1, buckets', "features.crossed.0.column", "columns"),
        ("layers = [8]", "layer = [8]", "network.layer", "layers"),
        ("layers = [8]", "drop-out = 0.5", "network.drop-out", "dropout"),
        ("layers = [8]", "namee = 3", "network.namee", "name"),
        ('metric = "mae"', 'metric = "mae", tolerence = 0.1', "evaluation.baseline.tolerence", "tolerance"),
        ('column = "rent"', 'column = "rent"\ntransfrom = "log"', "label.transfrom", "transform"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_at_any_depth(edited, old_text, new_text, key, nearest):
    with pytest.raises(
        UserError, match=exactly(f"configs/flats.toml: {key} is not a known key. Did you mean {nearest!r}?")
    ):
        edited(old_text, new_text)


@pytest.mark.parametrize(
    ("old_text", "new_text", "key", "former", "name"),
    [
        ("learning_rate = 0.01", "rate = 0.01", "training.optimizer", "rate", "learning_rate"),
        ("[training]", "[gates]\nmissing = {most = 0.1}\n[training]", "gates.missing", "most", "max_share"),
        ("[training]", "[gates]\nmissing = {more = 0.1}\n[training]", "gates.missing", "more", "max_increase"),
        ("[training]", "[gates]\nrows = {least = 0.1}\n[training]", "gates.rows", "least", "min_ratio"),
        ("[data]", '[data]\nblank = [""]', "data", "blank", "null_values"),
        ("[data]", "[data]\ntrim = false", "data", "trim", "strip_whitespace"),
    ],
)
def test_a_former_name_of_a_key_is_refused_with_the_new_one(edited, old_text, new_text, key, former, name):
    with pytest.raises(
        UserError, match=exactly(f"configs/flats.toml: {key}: {former} is now called {name}: rename it")
    ):
        edited(old_text, new_text)


def test_an_unknown_key_like_no_other_is_named_with_all_there_are(edited):
    with pytest.raises(UserError, match=r"baseline\.xyz is not a known key\. Known keys: metric, tolerance\.$"):
        edited('metric = "mae"', 'metric = "mae", xyz = 1')
    with pytest.raises(
        UserError, match=r"network\.xyz is not a known key\. Known keys: name, l1, l2, weights, smooth_clip\.$"
    ):
        edited('name = "mlp"\nlayers = [8]', 'name = "linear"\nxyz = 1')
    with pytest.raises(
        UserError, match=r"optimizer\.beta is not a known key\. Known keys: name, learning_rate, weight_decay, "
    ):
        edited('name = "adam", ', 'name = "sgd", beta = 0.9, ')
    with pytest.raises(UserError, match=r"label\.edges is not a known key\. Known keys: column, task, transform\.$"):
        edited('column = "rent"', 'column = "rent"\nedges = [1]')


@pytest.mark.parametrize(
    ("old_text", "new_text", "hint"),
    [
        (
            'name = "mlp"\nlayers = [8]',
            'name = "linear"\ndropout = 0.1',
            "Network 'linear' does not have this key; mlp",
        ),
        ("layers = [8]", "learning_rate = 0.1", "Did you mean 'training.optimizer.learning_rate'?"),
        ("layers = [8]", "epochs = 3", "Did you mean 'training.epochs'?"),
        ("[training]", "[training]\ndropout = 0.1", "Did you mean 'network.dropout'?"),
        ("[training]", "[training]\nmomentum = 0.1", "Known keys: loss, "),
        ("layers = [8]", 'optimizer = "adam"', "Known keys: name, "),
    ],
)
def test_an_unknown_key_is_answered_with_one_that_the_config_takes(edited, old_text, new_text, hint):
    with pytest.raises(UserError, match=rf"is not a known key\. {re.escape(hint)}"):
        edited(old_text, new_text)


@pytest.mark.parametrize(
    ("old_text", "new_text", "line"),
    [
        ("epochs = 3", 'epochs = "many"', "training.epochs: Input should be a valid integer.* (found 'many')"),
        ("epochs = 3", "epochs = -1", "training.epochs: Input should be greater than or equal to 0 (found -1)"),
        ("epochs = 3", "epochs = 2.5", "training.epochs: Input should be a valid integer.* (found 2.5)"),
        ("rate = 0.01", "rate = -1", "training.optimizer.learning_rate: Input should be greater than 0 (found -1)"),
        ('name = "adam"', 'name = "adm"', "training.optimizer.name: Input should be 'adam', .* (found 'adm')"),
        ('"rooms", scale = "none"', '"rooms", scale = "zscore"', "features.numeric.1.scale: Input .* (found 'zscore')"),
        ("layers = [8]", "layers = [8, 0]", "network.layers.1: Input should be greater than or equal to 1 (found 0)"),
        ("layers = [8]", "layers = 8", "network.layers: Input should be a valid tuple (found 8)"),
        ('name = "mlp"', 'name = "mpl"', "network: name 'mpl' is not one of .*linear, mlp.*"),
        (
            '["city", "rooms"]]',
            "3]",
            'evaluation.slices.1: Input should be "COLUMN", {column = "COLUMN", edges = [...]} or a list of these'
            " (found 3)",
        ),
        ("{r2 = 0.5}", '{r2 = "high"}', "evaluation.floor.r2: Input should be a valid number.* (found 'high')"),
        (
            '[{column = "city"}]',
            '["city"]',
            "features.categorical.0: Input should be a valid dictionary.* (found 'city')",
        ),
        ('ignored = ["id"]', 'ignored = "id"', "features.ignored: Input should be a valid tuple (found 'id')"),
        (
            "{r2 = 0.5}",
            "{auc = 0.5}",
            "evaluation.floor: metric 'auc' is unknown for task regression. Known metrics: mae, rmse, r2, mse, bias, "
            "coverage, interval_width",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_what_was_expected(edited, old_text, new_text, line):
    pattern = re.escape(f"configs/flats.toml: {line}").replace(r"\.\*", ".*")
    with pytest.raises(UserError, match=f"^{pattern}$"):
        edited(old_text, new_text)


@pytest.mark.parametrize(
    ("old_text", "new_text", "line"),
    [
        ('[label]\ncolumn = "rent"', "[label]", "label: task 'regression' needs column: name the label's column"),
        (", buckets = 16", "", "features.crossed.0: give either buckets = N or product = true"),
    ],
)
def test_a_key_that_its_neighbours_need_is_named(edited, old_text, new_text, line):
    with pytest.raises(UserError, match=exactly(f"configs/flats.toml: {line}")):
        edited(old_text, new_text)


@pytest.mark.parametrize(
    ("old_text", "new_text", "key"),
    [
        ('[label]\ncolumn = "rent"', "", "label"),
        ('{columns = ["lat", "long"], ', "{", "features.crossed.0.columns"),
        ('{column = "area"}', "{}", "features.numeric.0.column"),
        ('{metric = "mae"}', "{}", "evaluation.baseline.metric"),
    ],
)
def test_a_missing_key_is_named(edited, old_text, new_text, key):
    with pytest.raises(UserError, match=exactly(f"configs/flats.toml: {key}: this key is required")):
        edited(old_text, new_text)


@pytest.mark.parametrize(
    ("old_text", "new_text", "line"),
    [
        (
            'numeric = [{column = "area"}',
            'numeric = [{column = "rooms"}',
            "features: two entries make the same feature 'rooms': name a column once under a role",
        ),
        (
            'ignored = ["id"]',
            'ignored = ["id", "city"]',
            "features: column 'city' is both ignored and used: remove one of the two",
        ),
        (
            'column = "rent"',
            'column = "area"',
            "label: column 'area' is the label and also under [features]: remove it there",
        ),
        (
            '["lat", "long"]',
            '["lat", "rooms"]',
            "features: crossed column 'rooms' must also be listed under bucketized or categorical",
        ),
        (
            '"lat", quantiles = 4',
            '"lat", quantiles = 4, edges = [1.0]',
            "features.bucketized.0: give either quantiles = N or edges = [...]",
        ),
    ],
)
def test_roles_that_clash_are_named(edited, old_text, new_text, line):
    with pytest.raises(UserError, match=exactly(f"configs/flats.toml: {line}")):
        edited(old_text, new_text)


@pytest.mark.parametrize("key", ["webhook", "command"])
def test_a_value_that_may_hold_a_token_is_not_shown(edited, key):
    with pytest.raises(UserError, match=rf"^configs/flats.toml: notify.{key}: ") as error:
        edited('name = "mlp"', f'name = "mlp"\n[notify]\n{key} = "htp://T0K3N-canary\\u0000"\n')
    assert "T0K3N-canary" not in str(error.value)


def test_every_finding_has_its_line(edited):
    with pytest.raises(UserError) as caught:
        edited('optimizer = {name = "adam", learning_rate = 0.01}\nepochs = 3', "epoch = 3\nseed = -1")

    assert str(caught.value).splitlines() == [
        "configs/flats.toml: training.seed: Input should be greater than or equal to 0 (found -1)",
        "configs/flats.toml: training.epoch is not a known key. Did you mean 'epochs'?",
    ]


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        ("training.epochs=5", lambda config: config.training.epochs, 5),
        ("training.epochs = 5", lambda config: config.training.epochs, 5),
        (" training.epochs =5", lambda config: config.training.epochs, 5),
        ("training.optimizer.learning_rate=1e-4", lambda config: config.training.optimizer.learning_rate, 1e-4),
        ("training.early_stopping.patience=2", lambda config: config.training.early_stopping.patience, 2),
        ("network.layers=[3, 2]", lambda config: config.network["layers"], [3, 2]),
        ("network.dropout=0.5", lambda config: config.network["dropout"], 0.5),
        ("features.numeric.1.scale = min_max ", lambda config: config.features.numeric[1].scale, "min_max"),
        ("features.numeric.1.scale=min_max", lambda config: config.features.numeric[1].scale, "min_max"),
        ('label.column="income"', lambda config: config.label.column, "income"),
        ("data.path=data/other-flats.csv", lambda config: config.data.path, "data/other-flats.csv"),
        ("data.path=a=b.csv", lambda config: config.data.path, "a=b.csv"),
        ("evaluation.floor={r2 = 0.9, mae = 10}", lambda config: config.evaluation.floor, {"r2": 0.9, "mae": 10.0}),
        ("evaluation.floor.mae=10", lambda config: config.evaluation.floor, {"r2": 0.5, "mae": 10.0}),
        ('features.ignored=["id", "note"]', lambda config: config.features.ignored, ("id", "note")),
    ],
)
def test_an_override_sets_one_value(override, text, read, value):
    assert read(override(text)) == value


def test_overrides_apply_in_order_to_the_file(override):
    config = override("training.epochs=5", "training.seed=9", "training.epochs=6")

    assert (config.training.epochs, config.training.seed, config.training.optimizer.learning_rate) == (6, 9, 0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.epochs", "--set 'training.epochs': write it as key=value, as in training.epochs=5"),
        ("=5", "--set '=5': write it as key=value, as in training.epochs=5"),
        (" = 5", "--set ' = 5': write it as key=value, as in training.epochs=5"),
        ("data.path.name=x", "--set 'data.path.name=x': 'path' is a value, not a section"),
        (
            "features.numeric.scale=none",
            "--set 'features.numeric.scale=none': name a key inside the list's entry, as in "
            "features.numeric.0.scale=none",
        ),
        (
            "features.numeric.0=none",
            "--set 'features.numeric.0=none': name a key inside the list's entry, as in features.numeric.0.scale=none",
        ),
        (
            "features.numeric.first.scale=none",
            "--set 'features.numeric.first.scale=none': name a key inside the list's entry, as in "
            "features.numeric.0.scale=none",
        ),
        (
            "features.numeric.2.scale=none",
            "--set 'features.numeric.2.scale=none': features.numeric has 2 entries, counted from 0",
        ),
        ("training.epoch=5", "configs/flats.toml: training.epoch is not a known key. Did you mean 'epochs'?"),
        ("trainig.epochs=5", "configs/flats.toml: trainig is not a known key. Did you mean 'training'?"),
        (
            "training.epochs=-1",
            "configs/flats.toml: training.epochs: Input should be greater than or equal to 0 (found -1)",
        ),
    ],
)
def test_the_error_of_an_invalid_override_names_the_reason(override, text, message):
    with pytest.raises(UserError, match=exactly(message)):
        override(text)


def test_schema_columns_come_in_order_with_their_types(root):
    assert list(load.schema_columns(str(root), "flats").items()) == list(TYPES.items())


def test_a_missing_schema_is_named(root):
    with pytest.raises(
        UserError, match=r"^schemas/cottages\.pbtxt does not exist: every run is validated against an approved schema"
    ):
        load.schema_columns(str(root), "cottages")


@pytest.mark.parametrize("content", [b"feature { name: }", b"columns: 3", b'feature { name: "\xfc" }'])
def test_text_that_is_no_schema_names_the_file(root, content):
    (root / "schemas" / "flats.pbtxt").write_bytes(content)
    with pytest.raises(UserError, match=r"^schemas/flats\.pbtxt: not a valid schema: ."):
        load.schema_columns(str(root), "flats")


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ('name: "area" type: FLOAT shape { dim { size: 1 } }', "'area' may be null and has a shape"),
        (
            'name: "area" type: FLOAT presence { min_fraction: 0.9 } shape { dim { size: 1 } }',
            "'area' may be null and has a shape",
        ),
        ('name: "area" type: FLOAT presence { min_fraction: 1.0 }', "'area' may hold any number of values"),
        (
            'name: "area" type: FLOAT presence { min_fraction: 1.0 } shape { dim { size: 2 } }',
            "'area' may hold any number of values",
        ),
        (
            'name: "area" presence { min_fraction: 1.0 } shape { dim { size: 1 } }',
            "'area' has no supported type",
        ),
        (
            'name: "area" type: STRUCT presence { min_fraction: 1.0 } shape { dim { size: 1 } }',
            "'area' has no supported type",
        ),
    ],
)
def test_a_schema_that_leaves_a_column_open_is_refused(root, feature, message):
    (root / "schemas" / "flats.pbtxt").write_text(f"feature {{ {feature} }}")
    with pytest.raises(UserError, match=rf"^schemas/flats\.pbtxt: column {message}"):
        load.schema_columns(str(root), "flats")


def test_columns_that_fit_pass(root):
    load.check_columns("flats", load.load(str(root), "flats"), load.schema_columns(str(root), "flats"))


@pytest.mark.parametrize(
    ("text", "key", "column", "nearest"),
    [
        ("features.numeric.0.column=aera", "features.numeric", "aera", "area"),
        ("features.categorical.0.column=citty", "features.categorical", "citty", "city"),
        ("features.date.0.column=days", "features.date", "days", "day"),
        ('features.ignored=["idd"]', "features.ignored", "idd", "id"),
        ("label.column=rents", "label.column", "rents", "rent"),
        ("data.split.column=idd", "data.split.column", "idd", "id"),
        ("data.fold_case=['ctiy']", "data.fold_case", "ctiy", "city"),
        ("data.column_null_values={aera = [-999]}", "data.column_null_values", "aera", "area"),
        ('evaluation.slices=["citi"]', "evaluation.slices", "citi", "city"),
        ('evaluation.slices=[["city", "roms"]]', "evaluation.slices", "roms", "rooms"),
        ('evaluation.slices=[{column = "aera", edges = [1]}]', "evaluation.slices", "aera", "area"),
        ('evaluation.rules=[{metric = "r2", slice = "roms", floor = 1}]', "evaluation.rules.0.slice", "roms", "rooms"),
        (
            'evaluation.gaps=[{metric = "r2", slice = ["citi"], max_difference = 1}]',
            "evaluation.gaps.0.slice",
            "citi",
            "city",
        ),
    ],
)
def test_a_column_that_the_schema_lacks_is_named_with_the_nearest(override, text, key, column, nearest):
    line = f"configs/flats.toml: {key} names {column!r}, which schemas/flats.pbtxt does not define."
    with pytest.raises(UserError, match=exactly(f"{line} Did you mean {nearest!r}?")):
        load.check_columns("flats", override(text), TYPES)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            'slices=[{column = "city", edges = [1]}]',
            "slices names 'city', which is BYTES in schemas/flats.pbtxt; buckets need INT or FLOAT",
        ),
        (
            'rules=[{metric = "r2", floor = 1, slice = {city = 1}}]',
            "rules.0.slice names 'city', which is BYTES in schemas/flats.pbtxt; a value written 1 fits INT or FLOAT",
        ),
        (
            'rules=[{metric = "r2", floor = 1, slice = {rooms = "3"}}]',
            "rules.0.slice names 'rooms', which is INT in schemas/flats.pbtxt; a value written '3' fits BYTES",
        ),
    ],
)
def test_a_slice_that_does_not_fit_its_column_is_named(override, text, line):
    with pytest.raises(UserError, match=exactly(f"configs/flats.toml: evaluation.{line}")):
        load.check_columns("flats", override(f"evaluation.{text}"), TYPES)


@pytest.mark.parametrize(
    ("key", "column", "kind", "needed"),
    [
        ("features.numeric", "area", "BYTES", "INT or FLOAT"),
        ("features.bucketized", "lat", "BYTES", "INT or FLOAT"),
        ("features.categorical", "city", "FLOAT", "INT or BYTES"),
        ("features.date", "day", "INT", "BYTES"),
        ("label.column", "rent", "BYTES", "INT or FLOAT"),
    ],
)
def test_a_type_that_does_not_fit_its_role_is_named(root, key, column, kind, needed):
    line = (
        f"configs/flats.toml: {key} names {column!r}, which is {kind} in schemas/flats.pbtxt; this key needs {needed}"
    )
    with pytest.raises(UserError, match=exactly(line)):
        load.check_columns("flats", load.load(str(root), "flats"), {**TYPES, column: kind})


def test_all_columns_that_are_wrong_are_named_at_once(override):
    config = override("label.column=rents", "features.numeric.0.column=aera")
    with pytest.raises(UserError) as caught:
        load.check_columns("flats", config, TYPES)

    assert [re.findall("names '(.*?)'", line) for line in str(caught.value).splitlines()] == [["aera"], ["rents"]]


def test_nearest():
    assert load.nearest("aera", ["area", "rooms"]) == " Did you mean 'area'?"
    assert load.nearest("xyz", ["area", "rooms"]) == " Known names: area, rooms."
    assert load.nearest("xyz", ["area", "rooms"], "columns") == " Known columns: area, rooms."
    assert load.nearest("xyz", []) == ""


PRESENCE = "presence { min_fraction: 0.5 min_count: 1 }"
OPTIONAL = f'feature {{ name: "area" type: FLOAT {PRESENCE} value_count {{ min: 1 max: 1 }} }}'


def test_optional_columns_are_listed(root):
    (root / "schemas" / "flats.pbtxt").write_text(SCHEMA.replace(FEATURE.format("area", "FLOAT"), OPTIONAL))

    assert load.schema_columns(str(root), "flats") == {**TYPES, "area": "FLOAT"}
    assert load.optional_columns(str(root), "flats") == {"area"}
    (root / "schemas" / "flats.pbtxt").write_text(OPTIONAL.replace("max: 1", "max: 2"))
    with pytest.raises(UserError, match=r"'area' may hold any number of values: write value_count \{ min: 1 max"):
        load.schema_columns(str(root), "flats")


COMPLETE = "write presence { min_fraction: 1.0 min_count: 1 } and shape { dim { size: 1 } } in schemas/flats.pbtxt"


@pytest.mark.parametrize(
    ("overrides", "column", "rule"),
    [
        ((), "area", 'set missing = "mean" or "median" or "drop", or '),
        ((), "city", 'set missing = "category" or "drop", or '),
    ],
)
def test_a_column_that_a_row_may_lack_needs_a_rule_in_its_role(override, overrides, column, rule):
    role = {"area": "numeric", "city": "categorical"}[column]
    line = f"configs/flats.toml: features.{role} names {column!r}, which may be null: {rule}{COMPLETE}"
    with pytest.raises(UserError, match=exactly(line)):
        load.check_columns("flats", override(*overrides), TYPES, {column})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "features.numeric.0.missing=drop",
            "features.numeric drops the rows whose 'area' is null, which could be all: ",
        ),
        ("columns.weight=area", "columns.weight names 'area', which may be null: "),
    ],
)
def test_what_drops_rows_or_weighs_them_is_complete(override, text, line):
    with pytest.raises(UserError, match=re.escape(f"configs/flats.toml: {line}{COMPLETE}")):
        load.check_columns("flats", override(text), TYPES, {"area"})


def test_columns_with_a_rule_and_the_label_may_be_missing(override):
    config = override("features.numeric.0.missing=0", "features.categorical.0.missing=category")
    load.check_columns("flats", config, TYPES, {"area", "city", "rent", "id"})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('data.exclude=["rooms > 9", "rom > 3"]', "data.exclude: 'rom > 3' names column 'rom', which does"),
        ('data.exclude=["city = 3"]', "data.exclude: 'city = 3' compares column 'city', which is text, with 3: write"),
        ('data.split="time"', "data.split.by is 'time': name the column of timestamps as columns.time"),
        (
            'data.csv.plain=["ara"]',
            "data.csv.plain names 'ara', which schemas/flats.pbtxt does not define. Did you mean",
        ),
        ("columns.group=citi", "columns.group names 'citi', which schemas/flats.pbtxt does not define. Did you mean"),
        ("columns.weight=city", "columns.weight names 'city', which is BYTES in schemas/flats.pbtxt; this key needs"),
    ],
)
def test_what_data_and_columns_ask_for_is_in_the_schema(override, text, line):
    with pytest.raises(UserError, match=f"^{re.escape(f'configs/flats.toml: {line}')}"):
        load.check_columns("flats", override(text), TYPES)


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        ([], ["not used 1 column: features.ignored (id)"]),
        (
            ["features.ignored=[]", "features.date=[]", "features.categorical=[]", "columns.id=id", "columns.time=day"],
            [
                "not used 1 column: data.split.column (id)",
                "not used 1 column: named under no role (city)",
                "not used 1 column: [columns] time (day)",
            ],
        ),
        (["features.ignored=[]"], ["not used 1 column: data.split.column (id)"]),
        (["columns.id=id", "features.ignored=[]", "data.split=hash"], ["not used 1 column: [columns] id (id)"]),
    ],
)
def test_columns_that_the_model_does_not_use_are_named_with_the_reason(override, overrides, lines):
    assert unused(override(*overrides), TYPES).lines() == lines


def test_a_column_is_not_both_dropped_and_in_the_schema(override):
    config = override('data.drop=["day", "tags"]')
    with pytest.raises(UserError, match=r"^configs/flats\.toml: data\.drop drops 'day', which the schema defines"):
        load.check_columns("flats", config, TYPES)
