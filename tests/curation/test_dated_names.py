"""Names of files of which there may be a new one every week."""

import pytest

from curation import new_config
from curation.look import dated_names


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("data/sales-2026-01-05.csv", ("data/sales-{YYYY}-{MM}-{DD}.csv", "date")),
        ("sales_20260105.csv.gz", ("sales_{YYYY}{MM}{DD}.csv.gz", "date")),
        ("2026.01.05.csv", ("{YYYY}.{MM}.{DD}.csv", "date")),
        ("2026-01-05/week-3.csv", ("2026-01-05/week-{SPAN}.csv", "number")),
        ("data/week_12.csv", ("data/week_{SPAN}.csv", "number")),
        ("sales-week7.parquet", ("sales-week{SPAN}.parquet", "number")),
        ("sales-2026-13-05.csv", ("sales-2026-13-{SPAN}.csv", "number")),
        ("sales-2026-01.csv", ("sales-{YYYY}-{MM}.csv", "date")),
        ("202601_sales.csv", ("{YYYY}{MM}_sales.csv", "date")),
        ("sales-2026-01-3.csv", ("sales-2026-01-{SPAN}.csv", "number")),
        ("sales-2026-10k.csv", None),
        ("sales-19.01.2026.csv", ("sales-{DD}.{MM}.{YYYY}.csv", "date")),
        ("sales_01_19_2026.csv", ("sales_{MM}_{DD}_{YYYY}.csv", "date")),
        ("sales-2026.csv", ("sales-{SPAN}.csv", "number")),
        ("houses.csv", None),
        ("mnist8.csv", None),
        ("t10k-images.idx", None),
    ],
)
def test_a_date_or_a_last_number_becomes_a_placeholder(path, pattern):
    assert dated_names.pattern(path) == pattern


@pytest.mark.parametrize("name", ["sales-2026-W03.csv", "sales_2026KW3.csv", "sales-05-01-2026.csv"])
def test_no_pattern_is_proposed_that_would_miss_later_files(name):
    """As `sales-2026-W{SPAN}.csv`, which misses the next year; and 05-01 may be a day of January or of May."""
    assert dated_names.pattern(name) is None


def test_new_proposes_spans_for_a_dated_file_and_for_a_column_of_dates(tmp_path, rng):
    for folder in ("data", "configs", "schemas"):
        (tmp_path / folder).mkdir()
    days = [f"2026-01-{day:02}" for day in rng.integers(1, 28, 400)]
    rows = [f"{day},{x:.3f},{2 * x:.3f}\n" for day, x in zip(days, rng.normal(size=400), strict=True)]
    (tmp_path / "data/sales-2026-01-05.csv").write_text("".join(["sold,x,price\n", *rows]))
    proposal = new_config.new(str(tmp_path), "sales", str(tmp_path / "data/sales-2026-01-05.csv"), label="price")
    assert '\npath = "data/sales-2026-01-05.csv"' in proposal.config
    assert '\n# path = "data/sales-{YYYY}-{MM}-{DD}.csv"' in proposal.config
    assert '\n# spans = {by = "week"}' in proposal.config
    assert [line for line in proposal.findings if 'data.path = "data/sales-{YYYY}-{MM}-{DD}.csv"' in line]
