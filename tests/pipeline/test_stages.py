"""Names of stages, as the command line and [limits] take them."""

import pytest
from tfx.dsl.compiler.compiler import Compiler

from errors import UserError
from pipeline import stages
from pipeline.config import Config
from pipeline.create_pipeline import Places, create_pipeline

LEAST = {"data": {"path": "data/x.csv"}, "features": {"numeric": [{"column": "a"}]}, "label": {"column": "y"}}
WHOLE = {
    **LEAST,
    "training": {"warm_start": True},
    "tuner": {"space": {"training.optimizer.learning_rate": {"low": 0.001, "high": 0.1}}},
    "inference": {"path": "data/new.csv"},
}


@pytest.mark.parametrize("sections", [LEAST, WHOLE])
def test_the_stages_are_those_of_the_compiled_pipeline_in_its_order(tmp_path, sections):
    config = Config.model_validate(sections)
    names = ("data", "schema", "artifacts", "serving", "trials", "predicted")
    folders = {key: str(tmp_path / key) for key in names}
    pipeline = create_pipeline(name="x", config=config, columns={"a": "FLOAT", "y": "FLOAT"}, places=Places(**folders))
    compiled = [node.pipeline_node.node_info.id for node in Compiler().compile(pipeline).nodes]
    assert compiled == stages.ids(config)


@pytest.mark.parametrize(
    ("first_stage", "last_stage", "message"),
    [
        ("trainr", None, "--from trainr: this pipeline has no such stage. Did you mean 'trainer'?"),
        (None, "tuner", "--to tuner: this pipeline has no such stage."),
        ("pusher", "trainer", "--from pusher --to trainer: pusher comes after trainer, so nothing would run"),
    ],
)
def test_a_part_that_is_no_part_is_refused(first_stage, last_stage, message):
    with pytest.raises(UserError) as error:
        stages.check(Config.model_validate(LEAST), first=first_stage, to=last_stage)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("trainr", "--only trainr: this pipeline has no such stage. Did you mean 'trainer'?"),
        ("pusher", "--only pusher: it would change the served model. --from pusher pushes the model of the newest run"),
    ],
)
def test_a_stage_that_cannot_run_alone_is_refused(stage, message):
    with pytest.raises(UserError) as error:
        stages.check(Config.model_validate(LEAST), first=stage, to=stage, only=True)
    assert str(error.value).startswith(message)
    stages.check(Config.model_validate(LEAST), first="trainer", to="trainer", only=True)


def test_what_stands_before_a_stage():
    config = Config.model_validate(LEAST)
    assert stages.before(config, "statistics") == ["ingestion", "schema"]
    assert stages.before(config, "ingestion") == []
    assert stages.before(config, None) == []


def test_limits_name_stages_and_are_positive():
    def limits(**values):
        return Config.model_validate({**LEAST, "limits": values}).limits

    given_limits = limits(stage_seconds=60, seconds={"trainer": 3600})
    assert (given_limits.of("trainer"), given_limits.of("pusher")) == (3600, 60)
    assert given_limits.edit("pusher") == "[limits] seconds = {pusher = 120}"
    assert not limits().any
    for wrong, message in (
        (
            {"seconds": {"trainr": 5}},
            r"limits.seconds.trainr: this pipeline has no such stage. Did you mean 'trainer'\?",
        ),
        ({"seconds": {"tuner": 5}}, "limits.seconds.tuner: .* no such stage"),
        ({"seconds": {"trainer": 0}}, r"limits.seconds.trainer: give a number of seconds above 0 \(found 0\)"),
        ({"memory_gb": -1}, "limits.memory_gb"),
    ):
        with pytest.raises(ValueError, match=message):
            limits(**wrong)
