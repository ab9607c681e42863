from typing import Any

import pytest

from errors import UserError
from inspection.store.artifact_lookup import find_artifact, find_model, find_run_of, find_typed
from inspection.store.metadata_store import Store, open_store


@pytest.fixture
def store(writer: Any, tmp_path: Any) -> Store:
    """Return a store with two pipelines: `houses` trained twice and pushed once, `digits` pushed an equal version."""
    houses = writer.run("first")
    [examples] = houses.node("ingestion", outputs=[("examples", "Examples")])
    [model] = houses.node("trainer", inputs=[("examples", examples)], outputs=[("model", "Model")])
    houses.node("pusher", inputs=[("model", model)], outputs=[("pushed_model", "PushedModel")], facts=_pushed("1700"))
    second_run = writer.run("second")
    second_run.node("ingestion", state="CACHED", reused=[("examples", examples)])
    [newer] = second_run.node("trainer", inputs=[("examples", examples)], outputs=[("model", "Model")])
    second_run.node("baseline", reused=[("model", model)], event="INTERNAL_OUTPUT")
    evaluated = [("baseline_model", model), ("model", newer)]
    second_run.node("evaluator", inputs=evaluated, outputs=[("blessing", "ModelBlessing")])
    digits = writer.run("third", pipeline="digits")
    [digits_model] = digits.node("trainer", outputs=[("model", "Model")])
    digits.node(
        "pusher", inputs=[("model", digits_model)], outputs=[("pushed_model", "PushedModel")], facts=_pushed("1700")
    )
    digits.node(
        "push", inputs=[("model", digits_model)], outputs=[("pushed_model", "PushedModel")], facts=_pushed("1800")
    )
    return open_store(str(tmp_path), None)


def _pushed(version: str) -> dict[str, Any]:
    return {"pushed_model": {"pushed": 1, "pushed_version": version}}


def test_artifacts_are_listed_newest_first(store: Store, ask: Any) -> None:
    listed = ask("artifacts", "--json")
    assert [row["id"] for row in listed] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert [listed[-1][key] for key in ("type", "key", "producer_run", "producer_node")] == [
        "Examples",
        "examples",
        "first",
        "ingestion",
    ]
    assert [row["id"] for row in ask("artifacts", "--limit", "2", "--json")] == [8, 7]
    assert [row["id"] for row in ask("artifacts", "--type", "Model", "--json")] == [6, 4, 2]
    assert [row["id"] for row in ask("artifacts", "--run", "second", "--json")] == [5, 4, 2, 1]
    assert [row["id"] for row in ask("artifacts", "--run", "second", "--type", "Model", "--json")] == [4, 2]
    assert ask("artifacts", "--type", "Examples").splitlines()[1].split()[:6] == [
        *("1", "Examples", "MISSING", "ingestion", "of", "first"),
    ]
    assert ask("artifacts", "--run", "third", "--type", "Examples") == "no artifacts match\n"
    with pytest.raises(UserError, match=r"no artifact of type 'Modle' in .*Did you mean 'Model'\?"):
        ask("artifacts", "--type", "Modle")


@pytest.mark.parametrize(
    ("name", "pipeline", "expected"),
    [
        ("latest", None, 6),
        ("latest", "houses", 4),
        ("2", None, 2),
        ("3", None, 2),  # the pushed model
        ("5", None, 4),  # the blessing, whose evaluator also took the baseline
        ("1800", None, 6),
        ("1700", "houses", 2),
        ("1700", "digits", 6),
        ("second", None, 4),
        ("first", None, 2),
        ("houses", None, 4),  # a pipeline's newest model
        ("digits", "digits", 6),
    ],
)
def test_a_model_has_many_names(store: Store, name: str, pipeline: str | None, expected: int) -> None:
    assert find_model(store, name, pipeline=pipeline).id == expected


def test_latest_is_the_newest_run_of_the_pipeline_that_is_meant(store: Store) -> None:
    with pytest.raises(UserError, match="run third has no artifact of type Examples, such as 1"):
        find_typed(store, "latest", "Examples")
    for expected, pipeline in (("latest", "houses"), ("houses", None), ("second", "houses")):
        assert find_typed(store, expected, "ModelBlessing", pipeline=pipeline).id == 5
    assert find_typed(store, "digits", "Model").id == 6
    with pytest.raises(UserError, match="no run 'second' in"):
        find_typed(store, "second", "ModelBlessing", pipeline="digits")
    with pytest.raises(UserError, match=r"no pipeline 'digit' in .*Did you mean 'digits'\?"):
        find_typed(store, "latest", "Model", pipeline="digit")
    assert [find_run_of(store, name) for name in ("houses", "digits", "latest")] == ["second", "third", "third"]


def test_a_run_named_like_a_pipeline_goes_before_the_pipeline(store: Store, writer: Any) -> None:
    writer.run("houses").node("trainer", outputs=[("model", "Model")])
    assert find_model(store, "houses").id == 9
    assert find_run_of(store, "houses") == "houses"


@pytest.mark.parametrize("command", ["show", "logs", "examples", "statistics", "anomalies", "schema", "why", "lineage"])
def test_each_command_takes_a_pipeline(store: Store, ask: Any, command: str) -> None:
    named = {"show": ["latest"], "logs": ["latest", "trainer"], "why": ["latest"], "lineage": ["latest"]}
    with pytest.raises(UserError, match="'cars'"):
        ask(command, *named.get(command, []), "--pipeline", "cars")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "1700",
            "version 1700 was pushed by several pipelines: digits, houses. Add --pipeline, or give the artifact's id",
        ),
        ("1", "artifact 1 is of type Examples. Expected one of type Model, such as 6, 4, 2"),
        ("1801", r"no model '1801' in .*: it is not an artifact's id or a pushed version. Did you mean '1800'\?"),
        ("secnd", "no run 'secnd' in .*Did you mean 'second'.* Expected a model's id, a pushed version"),
        ("9" * 30, "no model '9+' in"),
    ],
)
def test_what_is_no_model_is_answered_with_what_is(store: Store, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_model(store, name)


def test_an_unknown_artifact_is_answered_with_the_nearest(store: Store) -> None:
    assert find_artifact(store, "3").type == "PushedModel"
    with pytest.raises(UserError, match=r"no artifact '33' in .*Did you mean '3'\?"):
        find_artifact(store, "33")
    with pytest.raises(UserError, match="no artifact of type Model of pipeline 'cars'"):
        find_model(store, "latest", pipeline="cars")
