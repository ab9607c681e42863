"""Changed data: what the gates block before the transformation, and their messages."""

import re
import time

import pytest

from errors import GateError

from .test_tables import HEADER, ROWS, TEXT

ALL = "data.split=all"


@pytest.fixture
def stopped(gated, figure):
    """Return a function that checks that a gate stops a table; it returns the error's message and findings."""

    def run(row, case, text, *overrides, **more):
        gated.flats.data(text)
        with pytest.raises(GateError) as caught:
            gated(ALL, *overrides, **more)
        stages = sorted(path.name.rpartition("-")[0] for path in (gated.flats.root / "artifacts").iterdir())
        assert "transformation" not in stages
        figure(row, f"{case}: stages run after the gate = 0")
        return str(caught.value), caught.value.findings

    return run


def test_nan_and_infinite_numbers_stop_a_run(gated, stopped, figure):
    """Fault 6: NaN and inf cells, with column, count and rows, before the transformation."""
    rows = [*ROWS]
    for place, cell in ((3, "nan"), (5, "inf"), (8, "-inf"), (9, "NaN")):
        rows[place] = f"{cell},Bern,{900 + place}"
    # Its imports are paid for once.
    gated(ALL)
    start = time.perf_counter()
    sentence, _ = stopped(6, "NaN and inf", HEADER + "\n".join(rows) + "\n")
    figure(6, f"refused in {time.perf_counter() - start:.2f} s, ingestion and statistics of 40 rows included")
    assert "finite: column 'area': 2 NaN and 2 infinite numbers in 40 rows (10 %), above the limit of 0" in sentence
    assert re.search(r"rows: \S*flats\.csv line 5, 7, 10, 11", sentence)


def test_missing_new_and_retyped_columns_stop_a_run(stopped):
    """Fault 8: a column gone, added, of another type; each with the edit of the schema that accepts it."""
    wider = "area,city,rent,owner\n" + "".join(f"{row},x\n" for row in ROWS)
    sentence, _ = stopped(8, "a column added", wider)
    added = 'add feature { name: "owner" type: BYTES presence { min_fraction: 1.0 min_count: 1 }'
    assert f"to accept it: name the column in the config, and {added}" in sentence
    sentence, _ = stopped(8, "a column gone", "city,rent\n" + "".join(row.split(",", 1)[1] + "\n" for row in ROWS))
    assert "column 'area': the column is missing from the data" in sentence
    assert "remove 'area' from the config, and its feature in schemas/flats.pbtxt" in sentence


def test_a_column_of_another_type_is_rejected_by_preflight(flats, figure):
    """Fault 8: text in a column of numbers is reported before the first stage."""
    flats.data(TEXT.replace("\n45,", "\nlarge,"))
    [finding] = flats.errors()
    figure(8, "another type: told before the first stage")
    assert (
        "flats.csv, line 7: column 'area' holds 'large', which is not FLOAT: fix the cell, or write type: BYTES"
        in finding
    )


def test_new_categories_are_a_warning_or_stop_a_run(gated, stopped, figure):
    """Fault 9: within the schema's share a warning, above it a stop; the share is exact."""
    domain = 'type: BYTES domain: "cities" distribution_constraints { min_domain_mass: 0.8 }'
    cities = 'string_domain { name: "cities" value: "Bern" }'
    gated.flats.schema(gated.flats.SCHEMA.replace("type: BYTES", domain) + cities)
    limit = "gates.unseen.max_share=0.1"
    for count, action in ((0, None), (4, "warn"), (5, "block"), (9, "block")):
        rows = [row.replace("Bern", "Genf") if place < count else row for place, row in enumerate(ROWS)]
        gated.flats.data(HEADER + "\n".join(rows) + "\n")
        findings = gated.found(ALL, limit)
        assert {finding["action"] for finding in findings} == ({action} if action else set())
        if findings and findings[0]["gate"] == "unseen":
            assert findings[0]["measured"] == pytest.approx(count / 40)
        figure(9, f"share {count / 40:g} of at most 0.1: {action or 'nothing to say'}")
    sentence, findings = stopped(9, "9 of 40", HEADER + "\n".join(rows) + "\n", limit)
    assert "'Genf' 22.50%; together 9 of 40 rows" in sentence
    assert [row["line"] for row in findings[0]["rows"]] == list(range(2, 11))
    assert "min_domain_mass: 0.775" in sentence


def test_labels_out_of_range_or_of_one_class_stop_a_run(stopped):
    """Fault 14: out of the gate's range, one class of several."""
    sentence, _ = stopped(14, "out of the gate's range", TEXT, "gates.label.max_value=930")
    assert "label: column 'rent': largest value 939, above the limit of 930" in sentence
    one_class = HEADER + "".join(f"{row},Bern,900\n" for row in range(9))
    sentence, _ = stopped(14, "one value", one_class)
    assert "at least two are required" in sentence


def test_rejected_data_is_never_the_reference_of_drift(gated, figure):
    """Fault 8: refused data leaves no mark that lets the same data through later."""
    gated.flats.data(HEADER + "\n".join(ROWS[:10]) + "\n")
    with pytest.raises(GateError):
        gated(ALL, "gates.label.min_value=1000")
    artifact = gated(ALL)
    assert artifact.has_custom_property("statistics")
    figure(8, "statistics that were refused and count as earlier ones = 0")
