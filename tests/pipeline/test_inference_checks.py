"""[inference] of a config: its format must exist, and rows without a label must be possible."""

import pytest
from pydantic import ValidationError

from errors import UserError
from pipeline import stages
from pipeline.config import Config

LEAST = {"data": {"path": "data/x.csv"}, "features": {"numeric": [{"column": "a"}]}, "label": {"column": "y"}}
CLUSTERS = {"label": {"task": "clusters"}, "network": "kmeans", "training": {}}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"inference": {}}, "inference.path\n  Field required"),
        ({"inference": {"path": "a.csv", "row": "all"}}, "inference.row\n"),
        ({"inference": {"path": "a.csv", "format": "cvs"}}, "inference.format: 'cvs' is not one of csv"),
        (
            {"inference": {"path": "a.csv", "rows": "unlabeled"}, **CLUSTERS},
            'inference.rows = "unlabeled" has no effect without a label',
        ),
        (
            {"stages": {"after_inference": "tests.extensions.my_stage.component"}},
            "this pipeline has no stage inference: add [inference], or place the stage after the pusher",
        ),
        ({"limits": {"seconds": {"inference": 5}}}, "limits.seconds.inference: this pipeline has no such stage"),
    ],
)
def test_a_section_without_effect_or_sense_is_refused(sections, message):
    with pytest.raises(ValidationError) as error:
        Config.model_validate({**LEAST, **sections})
    assert message in str(error.value)


def test_the_stage_is_the_last_and_may_run_alone():
    config = Config.model_validate({**LEAST, "inference": {"path": ["a.csv", "b.csv"]}})
    assert stages.ids(config)[-2:] == ["pusher", "inference"]
    stages.check(config, first="inference", to="inference", only=True)
    with pytest.raises(UserError, match="--only inference: this pipeline has no such stage"):
        stages.check(Config.model_validate(LEAST), first="inference", to="inference", only=True)
