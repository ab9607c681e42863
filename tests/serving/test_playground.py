"""The page to try the models, in Chromium and as files."""

import json
import subprocess
import sys

import pytest

from ..browser.devtools import desktop
from ..browser.page_checks import fits, reachable
from ..served import push, running


@pytest.fixture(scope="module")
def tab():
    with desktop() as opened:
        yield opened


def until(tab, expression, expected):
    """Evaluate an expression until it has a value: the page asks the server in the background."""
    wait = f"""new Promise((done) => {{
      const holds = () => ({expression}) === {json.dumps(expected)};
      const look = (left) => holds() || !left ? done({expression}) : setTimeout(look, 20, left - 1);
      look(5000);
    }})"""
    evaluated = tab.ask("Runtime.evaluate", expression=wait, awaitPromise=True, returnByValue=True)
    assert evaluated["result"]["value"] == expected, tab.problems


def typed(name, value):
    return f"""(() => {{
      const field = document.querySelector('[name={name}]');
      field.value = {json.dumps(value)};
      field.dispatchEvent(new Event('input', {{ bubbles: true }}));
    }})()"""


PREDICTION = "document.querySelector('#prediction').innerText.trim()"


def test_the_form_shows_an_example_row_and_the_prediction_follows_its_cells(tiny, tab):
    tab.problems.clear()
    tab.requests.clear()
    tab.open(f"{tiny.url}/")
    until(tab, PREDICTION, "prediction 4")  # 2 * 0.5 + 0 + length of abc
    assert tab.value("document.querySelector('[name=x]').value") == "0.5"
    assert tab.value("document.querySelector('[name=n]').max") == "9"
    tab.value(typed("x", "10"))
    until(tab, PREDICTION, "prediction 23")
    tab.value(typed("word", "é"))
    until(tab, PREDICTION, "prediction 22")  # TensorFlow counts bytes
    tab.value(typed("x", ""))
    until(tab, PREDICTION, "prediction not a number")
    tab.value("(() => { example.selectedIndex = 2; example.dispatchEvent(new Event('change')); })()")
    until(tab, PREDICTION, "prediction 10")

    assert tab.problems == []
    assert not [url for url in tab.requests if not url.startswith((tiny.url, "data:"))]
    assert reachable(tab) >= 8
    fits(tab)


def test_the_python_code_of_the_page_runs(tiny, tab):
    tab.open(f"{tiny.url}/")
    until(tab, PREDICTION, "prediction 4")
    code = tab.value("document.querySelector('#python').textContent")
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert output == "{'predictions': [4.0]}\n"
    command = tab.value("document.querySelector('#curl').textContent")
    output = subprocess.run(
        ["bash", "-c", f"{command} -s"], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert output == '{"predictions":[4.0]}'


def test_with_a_token_the_page_asks_for_it(tiny, tab):
    with running(*tiny.settings.models, token="secret") as served:
        tab.open(f"{served.url}/")
        until(tab, PREDICTION, "Enter the token of the server.")
        tab.value("(() => { token.value = 'secret'; token.dispatchEvent(new Event('change')); })()")
        until(tab, PREDICTION, "prediction 4")
        assert "secret" not in tab.value("document.querySelector('#curl').textContent")


def test_the_page_has_a_strict_policy_and_can_be_left_out(tiny):
    response = tiny.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "https://" not in response.text
    with running(*tiny.settings.models, playground=False) as served:
        assert [served.get(path).status_code for path in ("/", "/playground/page.js", "/playground/models")] == [
            404
        ] * 3


def test_the_description_of_a_model_has_its_inputs_rules_and_rows(tiny):
    [described] = tiny.get("/playground/models").json()
    assert (described["model"], described["version"], described["signature"]) == ("tiny", 7, "serving_default")
    assert described["classes"] == ["no", "yes"]
    by_name = {feature["name"]: feature for feature in described["inputs"]}
    assert by_name["n"] == {"name": "n", "kind": "number", "integer": True, "minimum": 0, "maximum": 9}
    assert by_name["word"]["kind"] == "text"
    order = [feature["name"] for feature in described["inputs"]]
    assert dict(zip(order, described["examples"][1], strict=True)) == {"x": 1.5, "n": 1, "word": "abc"}


BARS = (
    "[...document.querySelectorAll('#contributions tr')].map(row => row.innerText.replace(/\\s+/g, ' ').trim()).join()"
)


def test_the_contribution_of_each_column_is_shown_as_a_bar(tiny, tab):
    tab.problems.clear()
    tab.open(f"{tiny.url}/")
    until(tab, BARS, "x -5,n -2,word +1.66667")
    caption = tab.value("document.querySelector('#contributions caption').textContent")
    assert caption == "prediction: from 9.33333, the mean of training rows, to 4"
    widths = "[...document.querySelectorAll('#contributions rect')].map(bar => Math.round(bar.getBBox().width)).join()"
    assert tab.value(widths) == "100,40,33"
    tab.value(typed("x", "3"))
    until(tab, BARS, "n -2,word +1.66667,x 0")
    assert tab.problems == []
    fits(tab)


def test_a_model_without_background_rows_names_how_to_get_explanations(tiny, tab, exported, tmp_path):
    from serving.server.server_settings import ModelSource

    push(exported[1], tmp_path / "old", 3)
    with running(ModelSource(name="old", folder=str(tmp_path / "old"))) as served:
        tab.open(f"{served.url}/")
        until(tab, "document.querySelector('#contributions').innerText.includes('Run the pipeline again')", True)
        assert tab.value(PREDICTION) == "prediction 3.5"
