"""Custom stages between the stages of the pipeline: order, artifacts, cache keys, and what is wrong with them."""

import json
import sys

import pytest
from tfx.dsl.compiler.compiler import Compiler

import project
from errors import UserError
from pipeline import stages
from pipeline.config import Config
from pipeline.create_pipeline import Places, create_pipeline

LEAST = {"data": {"path": "data/x.csv"}, "features": {"numeric": [{"column": "a"}]}, "label": {"column": "y"}}
WHOLE = {
    "training": {"warm_start": True},
    "tuner": {"space": {"training.optimizer.learning_rate": {"low": 0.001, "high": 0.1}}},
}
MODULE = """\
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Examples, Schema, String


@component
def check(examples: InputArtifact[Examples], out: OutputArtifact[String], schema: InputArtifact[Schema] = None):
    pass


def first(examples, schema):
    return check(examples=examples, schema=schema)


def second(*, examples, out):
    return check(examples=examples)


def third(examples):
    return check(examples=examples)


def fourth(examples, no_such_artifact=None):
    return check(examples=examples)
"""


@pytest.fixture
def wired(tmp_path, monkeypatch):
    """Makes the pipeline of a config and the module my_checks; returns its config and nodes by id, in order."""
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)

    def make(text=MODULE, name="my_checks", baseline="metadata", **sections):
        (tmp_path / f"{name}.py").write_text(text)
        config = Config.model_validate({**LEAST, **sections})
        folders = {key: str(tmp_path / key) for key in ("data", "schema", "artifacts", "serving", "trials")}
        pipeline = create_pipeline(
            name="x",
            config=config,
            columns={"a": "FLOAT", "y": "FLOAT"},
            places=Places(**folders, baseline=baseline),
        )
        Compiler().compile(pipeline)
        return config, {node.id: node for node in pipeline.components}

    yield make
    sys.modules.pop("my_checks", None)


EVERYWHERE = {f"after_{stage}": f"my_checks.{name}" for stage, name in (("trainer", "third"), ("pusher", "fourth"))} | {
    "after_ingestion": ["my_checks.first", "my_checks.second"],
    "after_statistics": "my_checks.check",
}


@pytest.mark.parametrize("sections", [{}, WHOLE], ids=["shortest", "longest"])
def test_the_order_is_the_one_that_the_command_line_knows(wired, sections):
    config, nodes = wired(stages=EVERYWHERE, **sections)

    assert list(nodes) == stages.ids(config)
    order = list(nodes)
    assert order[order.index("statistics") - 2 : order.index("statistics") + 2] == [
        "first",
        "second",
        "statistics",
        "check",
    ]
    assert order[-1] == "fourth"


def test_a_stage_waits_for_its_place_and_the_next_one_waits_for_it(wired):
    _, nodes = wired(stages={"after_trainer": ["my_checks.third", "my_checks.fourth"]}, baseline="serving")

    upstream = {name: {above.id for above in node.upstream_nodes} for name, node in nodes.items()}
    assert upstream["third"] == {"ingestion", "trainer"}
    assert upstream["fourth"] == {"ingestion", "third"}
    assert "fourth" in upstream["baseline"]
    assert nodes["third"].inputs["examples"] is nodes["ingestion"].outputs["examples"]


def test_the_transformation_waits_for_a_stage_after_validation_although_plain_models_come_between(wired):
    config, nodes = wired(stages={"after_validation": "my_checks.third"})

    upstream = {name: {above.id for above in node.upstream_nodes} for name, node in nodes.items()}
    order = stages.ids(config)
    assert order[order.index("third") + 1 : order.index("third") + 3] == ["plain-models", "transformation"]
    assert "third" in upstream["plain-models"] & upstream["transformation"]
    assert "plain-models" not in upstream["transformation"]


def test_an_edit_of_the_module_changes_the_cache_key(wired):
    def key(text):
        _, nodes = wired(text, stages={"after_trainer": "my_checks.third"})
        return json.loads(nodes["third"].exec_properties["code"])

    assert key(MODULE) == key(MODULE)
    assert key(MODULE) != key(MODULE + "# edited\n")
    assert key(MODULE)["modules"] == ["my_checks"]


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        (
            "one",
            "def one(modle):\n    pass",
            r"^one_bad\.one \(one_bad\.py, line 1\): there is no artifact 'modle' .* 'model'\?",
        ),
        (
            "two",
            "def two(pushed_model):\n    pass",
            r"\(two_bad\.py, line 1\): there is no artifact 'pushed_model' at this place",
        ),
        (
            "three",
            "\ndef three(model):\n    return 3",
            r"^three_bad\.three \(three_bad\.py, line 2\) returned int, not a TFX",
        ),
        (
            "four",
            "def four(model):\n    return 1 / 0",
            r"^four_bad\.four failed: ZeroDivisionError: .*\(four_bad\.py, line 2\)",
        ),
        (
            "five",
            "import nothing_here\ndef five(): pass",
            r"^five_bad does not import: ModuleNotFoundError: .*five_bad\.py, line 1",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(wired, name, body, message):
    with pytest.raises(UserError, match=message):
        wired(f"{body}\n", f"{name}_bad", stages={"after_trainer": f"{name}_bad.{name}"})


def test_a_component_must_not_have_the_parameter_of_the_key(wired):
    text = MODULE.replace("= None):", "= None, code: Parameter[str] = ''):").replace(
        "import InputArtifact,", "import InputArtifact, Parameter,"
    )
    with pytest.raises(UserError, match=r"coded\.third .*: its component has a parameter 'code'"):
        wired(
            text.replace("check(examples=examples)", "check(examples=examples, code='x')"),
            "coded",
            stages={"after_trainer": "coded.third"},
        )


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"after_tuner": "my_checks.third"}, r"stages\.after_tuner: 'my_checks\.third': this pipeline has no tuner"),
        ({"after_trainer": ["my_checks.third"] * 2}, r"there is another stage called 'third': rename the function"),
        ({"after_trainer": "my_checks.trainer"}, r"there is another stage called 'trainer'"),
        ({"after_trainer": "my_checks._own"}, r"the stage would be called '-own', but a name consists of letters"),
        ({"after_trainer": "my_checks.thrid"}, r"my_checks\.py defines no 'thrid'\. Did you mean 'third'\?"),
    ],
)
def test_a_config_with_an_impossible_stage_is_rejected(wired, sections, message):
    wired(MODULE + "\n\ndef trainer(): pass\n\n\ndef _own(): pass\n")
    with pytest.raises(ValueError, match=message):
        Config.model_validate({**LEAST, "stages": sections})


def test_limits_take_the_name_of_a_custom_stage(wired):
    wired()
    config = Config.model_validate(
        {**LEAST, "stages": {"after_trainer": "my_checks.third"}, "limits": {"seconds": {"third": 5}}}
    )

    assert config.limits.of("third") == 5
    stages.check(config, first="third", to="evaluator")
    with pytest.raises(UserError, match="--from pusher --to third: pusher comes after third"):
        stages.check(config, first="pusher", to="third")
