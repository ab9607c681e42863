import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from curation.facts import column_facts
from curation.propose import schema_text
from curation.schema_differences import differences

BASE = {
    "n": ["1", "2", "3", "4"] * 25,
    "f": ["0.5", "2", "3.5", "1"] * 25,
    "c": ["a", "b", "a", None] * 25,
    "y": ["no", "yes", "no", "no"] * 25,
}


@pytest.fixture
def compare():
    """Differences between the schema of BASE and BASE with other columns; None takes one out."""
    facts, _ = column_facts.table(pa.table(BASE))
    text = schema_text.schema(facts, [], categories=("c",), label="y")
    schema = text_format.Parse(text, schema_pb2.Schema())

    def run(**changes):
        rows = max([100, *(len(values) for values in changes.values() if values is not None)])
        columns_given = {name: values for name, values in {**BASE, **changes}.items() if values is not None}
        columns = {name: (values * (rows // len(values) + 1))[:rows] for name, values in columns_given.items()}
        return [str(difference) for difference in differences(schema, pa.table(columns))]

    return run


def test_the_data_a_schema_was_made_from_has_no_difference(compare):
    assert compare() == []
    assert compare(n=["7"] * 100, c=["b"] * 100) == []


def test_a_known_value_in_another_spelling_is_named(compare):
    [difference] = compare(c=["a"] * 60 + ["B"] * 40)

    assert difference.endswith("; 'B' differs from 'b' only by case: data.fold_case merges them")


def test_worst_first(compare):
    lines = compare(y=None, n=["1", "x"] * 50, f=["-1", "2"] * 50, c=["a"] * 97 + ["new"] * 3, extra=["1"] * 100)
    assert lines == [
        "refused  y: the column is missing from the data",
        "refused  n: the schema says INT, the data is BYTES: 'x' and 49 more",
        "refused  f: 50 values below 0, such as -1",
        "refused  extra: new column (INT), which is not in the schema",
        "allowed  c: 1 new value: 'new' 3.00%; together 3 of 100 rows (3.00%), the schema allows 5.00%",
    ]


def test_a_fraction_in_a_whole_number_is_another_type(compare):
    assert compare(n=["1"] * 99 + ["1.5"]) == ["refused  n: the schema says INT, the data is FLOAT: '1.5'"]
    assert compare(f=["1"] * 100) == []


def test_too_many_new_categories_and_any_new_class(compare):
    assert compare(c=["a"] * 90 + ["p"] * 6 + ["q"] * 4) == [
        "refused  c: 2 new values: 'p' 6.00%, 'q' 4.00%; together 10 of 100 rows (10.00%), the schema allows 5.00%"
    ]
    assert compare(y=["no"] * 99 + ["maybe"])[0].startswith("refused  y: 1 new value: 'maybe' 1.00%")


def test_more_missing_than_allowed(compare):
    assert compare(c=["a"] * 10 + [None] * 90) == ["refused  c: 90.00% null, the schema allows 73.00%"]
    assert compare(n=["1"] * 99 + [None]) == ["refused  n: 1.00% null, the schema allows 0.00%"]
    assert compare(n=[None] * 100) == ["refused  n: every value is null"]
    assert compare(n=["1"] * 30_000 + [None]) == ["refused  n: under 0.01% null, the schema allows 0.00%"]


def test_a_renamed_column_is_proposed_by_name_values_or_as_the_only_pair(compare):
    missing = "refused  c: the column is missing from the data"
    by_name = compare(c=None, category=["x", "z"] * 50)
    assert by_name[0] == f"{missing}: c -> category? Rename it there, or in config and schema", "the only pair"
    other_texts = ["x"] * 100
    by_value = compare(c=None, first=other_texts, second=["a", "b"] * 50)
    assert by_value[0].startswith(f"{missing}: c -> second?")
    assert compare(c=None, first=other_texts, second=other_texts)[0] == missing, "two that are equally improbable"
    assert compare(c=None, number=["1.5"] * 100)[0] == missing, "another type"
