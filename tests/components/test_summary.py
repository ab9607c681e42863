import json

from components import summary
from components.ingestion.executor import _json


def test_backslashes_are_replaced():
    assert summary.storable('a\\b "c"') == 'a/b "c"'


def test_quotes_and_non_ascii_letters_become_json_without_backslashes():
    text = _json({'city == "Zürich"': 3, "a\\b": 1})

    assert "\\" not in text
    assert json.loads(text) == {"city == 'Zürich'": 3, "a/b": 1}
