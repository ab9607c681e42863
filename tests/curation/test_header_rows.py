import pytest

from curation.look import header_rows

NAMES = ["Respondent", "Which do you use?", "", "Started", "How likely?"]
BELOW = [
    ["1", "Phone", "", "a", "Often"],
    ["2", "", "Tablet", "b", "Never"],
    ["3", "Phone", "Tablet", "c", "Often"],
] * 4


@pytest.mark.parametrize(
    ("second", "num_rows"),
    [
        (["", "Phone", "Tablet", "", "Response"], 2),
        # Without a name for each column, or as complete as the rows below, it is a row of data.
        (["", "Phone", "", "", "Response"], 1),
        (["4", "Phone", "Tablet", "d", "Often"], 1),
    ],
)
def test_a_second_row_of_a_survey_names_the_columns_that_the_first_leaves_out(second, num_rows):
    found = header_rows.find([NAMES, second, *BELOW], lambda cell: cell.isdigit(), [""])

    assert found.num_rows == num_rows
    if num_rows == 2:
        assert found.names == [
            "Respondent",
            "Which do you use?_Phone",
            "Which do you use?_Tablet",
            "Started",
            "How likely?_Response",
        ]
