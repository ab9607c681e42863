"""Each gate: what it measures, where it stops, and the edit that it names."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from components import summary
from components.fingerprints import code_digest
from components.ingestion.discovery import data_files
from components.validation.passed_statistics import STATISTICS_ID
from errors import GateError, ResourceError
from spec.data import Data

from ..flats import one, rows

BY_ID = "data.split={by='hash', column='area', train=1, eval=1, test=1}"


def digest_of(path):
    return data_files.content(data_files.resolve(str(path), Data(path="x")))


def test_clean_data_has_no_finding_and_names_its_statistics(gated):
    artifact = gated()

    assert json.loads(Path(artifact.uri, "gates.json").read_text()) == []
    assert artifact.get_string_custom_property(summary.PROPERTY) == "no anomaly in train, eval, test"
    assert artifact.get_int_custom_property(STATISTICS_ID) == 1


def test_missing_cells_above_the_share_are_warned_of_with_the_edit(flats, gated):
    flats.optional("city")
    city = ['features.categorical=[{column="city", missing="category"}]', "data.split=all"]
    flats.data(flats.HEADER + rows(40, city=lambda row: "" if row < 24 else "Bern"))
    findings = gated.found(*city)

    assert [finding["splits"] for finding in findings] == [["train", "eval", "test"]]
    assert findings[0]["measured"] == pytest.approx(0.6)
    assert findings[0]["text"] == "24 of 40 values (60 %) are null or blank, above the limit of 0.5"
    assert findings[0]["edit"] == "gates.missing.columns.city = 0.6 in the config"
    assert gated.found(*city, "gates.missing.columns.city=0.6") == []
    assert gated.found(*city, "gates.missing=off") == []
    with pytest.raises(
        GateError,
        match=r"missing: column 'city': 24 of 40 values .*; the first 20 rows: .*flats\.csv line 2, .*, 21; to accept",
    ):
        gated(*city, "gates.missing=block")


def test_numbers_that_are_none_are_missing_where_a_row_may_lack_them(flats, gated):
    flats.optional("area")
    flats.data(flats.HEADER + rows(40, area=lambda row: ("nan", "inf", "", 40 + row)[min(row % 8, 3)]))
    findings = one(
        gated.found(
            'features.numeric=[{column="area", missing="mean"}]', "data.split=all", "gates.missing.max_share=0.25"
        )
    )

    assert findings["text"] == "15 of 40 values (37.5 %) are null or blank, above the limit of 0.25"
    assert findings["measured"] == pytest.approx(0.375)


def test_a_column_that_the_schema_refuses_is_reported_once(flats, gated):
    flats.data(flats.HEADER + rows(40, area=lambda row: "" if row < 24 else 40 + row))

    assert [(entry["gate"], entry["column"]) for entry in gated.found("data.split=all")] == [("schema", "area")]


def test_splits_that_pass_one_limit_are_one_line_whose_edit_accepts_them_all(flats, gated):
    flats.optional("city")
    city = ['features.categorical=[{column="city", missing="category"}]', BY_ID, "gates.duplicates=off"]
    flats.data(flats.HEADER + rows(60, city=lambda row: "" if row % 10 < 6 + row % 3 else "Bern"))
    findings = one(gated.found(*city))

    assert sorted(findings["splits"]) == ["eval", "test", "train"]
    assert re.search(r"above the limit of 0\.5 \(figures of (train|eval|test)\)$", findings["text"])
    assert gated.found(*city, findings["edit"].removesuffix(" in the config")) == []


def test_a_column_is_one_line_whose_edit_the_schema_accepts(flats, gated):
    by_id = (BY_ID, "gates.duplicates=off")
    values = 'string_domain { name: "cities" value: "Bern" value: "Chur" }'
    flats.schema(flats.SCHEMA.replace("type: BYTES", 'type: BYTES domain: "cities"') + values)
    flats.data(flats.HEADER + rows(60, city=lambda row: "Genf" if row % 10 < 2 + row % 3 else "Bern"))
    findings = one(gated.found(*by_id, "gates.unseen.max_share=1"))

    assert sorted(findings["splits"]) == ["eval", "test", "train"]
    for split in findings["splits"]:
        assert re.search(rf"{split}: 1 new value: 'Genf' [\d.]+%; together \d+ of \d+ rows", findings["text"])
    value = 'value: "Genf"'
    mass = re.search(r"distribution_constraints \{ min_domain_mass: 0\.\d+ \}", findings["edit"])[0]
    assert findings["edit"] == f"add {value} to the string_domain 'cities', or {mass} to 'city' in schemas/flats.pbtxt"
    flats.schema(flats.SCHEMA.replace("type: BYTES", f'type: BYTES domain: "cities" {mass}') + values)
    assert {entry["gate"] for entry in gated.found(*by_id, "gates.unseen.max_share=1")} == {"unseen"}
    flats.schema(
        flats.SCHEMA.replace("type: BYTES", 'type: BYTES domain: "cities"') + values.replace("}", f"{value} }}")
    )
    assert gated.found(*by_id) == []


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("gates.label.max_value=930", "largest value 939, above the limit of 930"),
        ("gates.label.min_value=901", "smallest value 900, below the limit of 901"),
    ],
)
def test_a_label_beyond_the_range_stops_with_the_row(gated, override, text):
    findings = gated.found("data.split=all", override)

    assert findings[0]["text"] == text
    assert findings[0]["action"] == "block"
    assert findings[0]["rows"][0]["line"] == (33 if "max_value" in override else 2)


CLASSES = [
    "label.task=classes",
    "label.classes=['900', '901', '902']",
    "evaluation.floor={}",
    "data.split={by='column', column='city'}",
    "features.categorical=[]",
]


def split_rows(text):
    return "".join(f"{40 + number},{split},{rent}\n" for number, (split, rent) in enumerate(text))


@pytest.mark.parametrize(
    ("train", "other_rent", "texts"),
    [
        ([900, 901, 902], 900, []),
        ([900, 900, 900], 900, ["train has only the class '900': at least two are required"]),
        ([900, 901, 901], 900, ["class '902' has 0 rows in train, below the limit of 1"]),
        (
            [900, 901, 902, 903],
            904,
            ["3 of 6 rows have the value '903', '904', which is not in label.classes, and would have no class"],
        ),
        (
            [900, 901, 901],
            902,
            ["class '902' has 0 rows in train, below the limit of 1"]
            + [
                f"class '902' is in {split} but not in train, so the model cannot predict it"
                for split in ("eval", "test")
            ],
        ),
    ],
)
def test_classes_are_counted_in_train(flats, gated, train, other_rent, texts):
    flats.data(
        flats.HEADER + split_rows([*(("train", rent) for rent in train), ("eval", other_rent), ("test", other_rent)])
    )
    findings = [finding for finding in gated.found(*CLASSES) if finding["gate"] == "label"]

    assert [finding["text"] for finding in findings] == texts
    if train[-1] == 903:
        assert findings[0]["action"] == "block"
        assert findings[0]["splits"] == ["train", "eval", "test"]
        assert [row["line"] for row in findings[0]["rows"]] == [5, 6, 7]
        assert findings[0]["edit"] == (
            'add "903", "904" to label.classes in the config; or skip such rows with data.exclude = '
            '["rent = 903 or rent = 904"]'
        )
        assert gated.found(*CLASSES, 'data.exclude=["rent = 903 or rent = 904"]', "gates.label=off") == []


def test_a_new_class_names_the_edits_of_config_and_schema_and_no_share(flats, gated):
    flats.config(
        flats.CONFIG.replace('column = "rent"', 'column = "city"\ntask = "classes"\nclasses = ["Bern", "Chur"]')
        .replace('categorical = [{column = "city"}]', 'numeric = [{column = "area"}]')
        .replace('numeric = [{column = "area"}]\n', "", 1)
    )
    flats.schema(
        flats.SCHEMA.replace("type: BYTES", 'type: BYTES domain: "cities"')
        + 'string_domain { name: "cities" value: "Bern" value: "Chur" }'
    )
    flats.data(flats.HEADER + rows(40, city=lambda row: ("Bern", "Chur", "Genf")[row % 3]))
    [findings] = gated.found("data.split=all", "gates.label.min_count=1")

    assert findings["gate"] == "schema"
    assert findings["edit"] == (
        'add "Genf" to label.classes in the config and add value: "Genf" to the string_domain of \'city\' in '
        "schemas/flats.pbtxt; or skip such rows with data.exclude = [\"city = 'Genf'\"]"
    )


def test_a_class_that_is_gone_is_to_be_taken_out(flats, gated):
    flats.data(flats.HEADER + split_rows([("train", 900), ("train", 901), ("eval", 900), ("test", 900)]))
    findings = one([finding for finding in gated.found(*CLASSES) if finding["gate"] == "label"])

    assert findings["edit"] == "remove '902' from label.classes in the config"


@pytest.mark.parametrize(("foreign", "action"), [(2, "warn"), (4, "block")])
def test_a_new_category_within_its_share_is_warned_of_and_above_it_stops(flats, gated, foreign, action):
    domain = 'domain: "cities" distribution_constraints { min_domain_mass: 0.9 }'
    flats.schema(
        flats.SCHEMA.replace("type: BYTES", f"type: BYTES {domain}") + 'string_domain { name: "cities" value: "Bern" }'
    )
    flats.data(flats.HEADER + rows(40, city=lambda row: "Genf" if row < foreign else "Bern"))
    findings = gated.found("data.split=all")

    assert {finding["action"] for finding in findings} == {action}
    if action == "warn":
        assert findings[0]["gate"] == "unseen"
        assert findings[0]["measured"] == pytest.approx(0.05)
    else:
        assert re.search(r"unseen|schema", findings[0]["gate"])
        assert re.search(r"4 of 40 (rows|cells) \(10(.00)? ?%\)", findings[0]["text"])


def test_served_rows_are_compared_without_a_label(flats, gated):
    random = np.random.default_rng(0)
    flats.data(flats.HEADER + rows(600, area=lambda row: random.normal(80, 10)))
    served = [f"{random.normal(100, 10)},Bern" for _ in range(600)]
    flats.data("\n".join(["area,city", *served, ",Bern"]) + "\n", "served.csv")
    findings = gated.found("data.split=all", "gates.skew={action='block', path='data/served.csv'}")

    assert [(finding["gate"], finding["column"], finding["action"]) for finding in findings] == [
        ("skew", "area", "block"),
        ("skew", "city", "block"),
    ]
    assert 0.2 < findings[0]["measured"] < 1
    assert "from the served rows" in findings[0]["text"]
    assert findings[1]["measured"] == pytest.approx(0.5)


def test_served_rows_that_changed_after_the_start_of_the_run_stop_it(flats, gated):
    path = flats.data("area,city\n" + "100,Bern\n" * 600, "served.csv")
    edits = ("data.split=all", "gates.skew={action='warn', path='data/served.csv', min_rows=1}")
    digest = digest_of(path)
    gated(*edits, skew_content=digest)
    flats.data("area,city\n" + "101,Bern\n" * 600, "served.csv")
    with pytest.raises(ResourceError, match=r"served\.csv: the data changed while the run"):
        gated(*edits, skew_content=digest)


def test_rows_are_not_named_out_of_data_that_changed_since_it_was_read(flats, gated):
    flats.data(flats.HEADER + flats.rows(40).replace("941,", "nan,").replace("41.5", "inf"))
    digest = digest_of(flats.root / "data/flats.csv")
    finding = one(gated.found("data.split=all", data_content=digest))
    assert finding["rows"]
    finding = one(gated.found("data.split=all", data_content="of other data"))
    assert finding["rows"] == []


def test_a_schema_that_changed_after_the_start_of_the_run_stops_it(flats, gated):
    digest = code_digest.file(str(flats.root / "schemas/flats.pbtxt"))
    gated(schema_content=digest)
    flats.schema(flats.SCHEMA.replace("max: 9000", "max: 9001"))
    with pytest.raises(ResourceError, match=r"schemas/flats\.pbtxt changed after the start of the run: run again"):
        gated(schema_content=digest)


def test_rows_on_both_sides_of_a_split_stop_with_the_rows(flats, gated):
    text = [("train", 900 + row) for row in range(40)] + [
        (split, 950 + row) for row in range(20) for split in ("eval", "test")
    ]
    lines = split_rows(text).splitlines()
    lines[45] = lines[3].replace("train", "eval")
    flats.data(flats.HEADER + "\n".join(lines) + "\n")
    finding = one(
        gated.found(
            "data.split={by='column', column='city'}",
            "features.categorical=[]",
            "features.ignored=['city']",
            "gates.duplicates=block",
        )
    )

    assert finding["gate"] == "duplicates"
    assert finding["measured"] == pytest.approx(1 / 40)
    assert "1 of 40 rows of eval and test (2.5 %) are in train too (1 of eval, 0 of test)" in finding["text"]
    assert [row["line"] for row in finding["rows"]] == [5, 47]
