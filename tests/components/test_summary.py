import json

from components import summary
from components.ingestion.executor import _json


def test_no_backslash_is_stored():
    assert summary.storable('a\\b "c"') == 'a/b "c"'


def test_reasons_with_quotes_and_letters_of_any_script_are_json_without_a_backslash():
    text = _json({'city == "Zürich"': 3, "a\\b": 1})

    assert "\\" not in text
    assert json.loads(text) == {"city == 'Zürich'": 3, "a/b": 1}
