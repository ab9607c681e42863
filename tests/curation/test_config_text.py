import pytest
import tomli

from curation.propose import config_text
from curation.propose.choices import Entry, Line


def test_every_value_comes_back_from_toml_with_its_reason_beside_or_above():
    odd = 'a "b" \\ \n\t\x7f\u2028 Zürich 日本'
    sections = {
        "data": [
            Line("path", odd),
            Line("split", {"by": "hash", "train": 8}, "a tenth"),
            Line("off", 1, "no", active=False),
        ],
        "columns": [],
        "training": [Line("rate", 1e-3), Line("low", -0.1), Line("on", True), Line("long", [1.5, 2], "why " * 40)],
    }
    text = config_text.config(["A title", "", "second"], sections, [])
    assert tomli.loads(text) == {
        "data": {"path": odd, "split": {"by": "hash", "train": 8}},
        "features": {},
        "training": {"rate": 1e-3, "low": -0.1, "on": True, "long": [1.5, 2]},
    }
    assert text.startswith("# A title\n#\n# second\n\n[data]\n")
    assert 'split = {by = "hash", train = 8}  # a tenth\n# off = 1  # no\n' in text
    assert f"# {'why ' * 39}why\nlong = [1.5, 2]\n" in text


def test_entries_stand_under_their_roles_and_a_reason_of_several_lines_is_one():
    entries = [
        Entry("ignored", {"column": "id"}, "constant: every row has 'a\nb'"),
        Entry("categorical", {"column": "c", "oov": 1}, "few"),
        Entry("numeric", {"column": "n"}, ""),
        Entry("categorical", {"column": "d"}, "few"),
    ]
    text = config_text.features(entries)
    assert tomli.loads(text)["features"] == {
        "numeric": [{"column": "n"}],
        "categorical": [{"column": "c", "oov": 1}, {"column": "d"}],
        "ignored": ["id"],
    }
    assert "  \"id\",  # constant: every row has 'a b'" in text


@pytest.mark.parametrize("value", [1e-7, 0.1 + 0.2, 123456789.5, 1e300, 5])
def test_a_number_keeps_every_digit(value):
    assert tomli.loads(config_text.config([], {"a": [Line("x", value)]}, []))["a"]["x"] == value
