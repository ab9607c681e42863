"""Cells of many thousand characters in the search for a header."""

from curation.look import table_layout


def test_cells_of_thousands_of_digits_are_values():
    digits = "9" * 5_000
    assert table_layout.no_header([[digits, "x"], [digits, "y"], [digits, "z"]]) == "holds values like the rows below"


def test_a_long_run_of_digits_in_a_text_is_compared_once_not_at_each_position():
    # With a pattern that backtracks, this takes minutes.
    text = "9" * 60_000 + "x"
    assert table_layout.no_header([["a", "b"], *([text, str(row)] for row in range(9))]) == ""
    assert "holds" in table_layout.no_header([[text, "7.5"], *([text, "8.5"] for _ in range(9))])
