"""Ids of the stages and their order, without importing TFX."""

import re
from typing import Any, Protocol

from errors import UserError
from spec import plain_models
from spec.stages.stage_names import INFERENCE
from spec.suggestions import nearest

NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
"""Valid name of a custom stage; it names a folder and a log, and is part of the name of a pod."""
ORDER = (
    "ingestion",
    "schema",
    "warm-start",
    "statistics",
    "history",
    "validation",
    plain_models.STAGE,
    "transformation",
    "tuner",
    "trainer",
    "baseline",
    "evaluator",
    "pusher",
    INFERENCE,
)
"""Stages in the order in which they run."""
PUSHER = "pusher"
"""The stage that changes what is served."""
APART = (plain_models.STAGE,)
"""Stages whose outputs only the evaluator reads, so that the next stage does not wait for them."""
_LAST_BESIDE = {"ingestion": "warm-start"}
"""Stage -> the last stage that runs in parallel with it; custom stages after the former come after the latter too."""


class Staged(Protocol):
    """The sections of a config on which its stages depend."""

    @property
    def tuner(self) -> Any:
        """[tuner], or None."""

    @property
    def inference(self) -> Any:
        """[inference], or None."""

    @property
    def training(self) -> Any:
        """[training]."""

    @property
    def label(self) -> Any:
        """[label]."""

    @property
    def evaluation(self) -> Any:
        """[evaluation]."""

    @property
    def stages(self) -> Any:
        """[stages]."""


def ids(config: Staged) -> list[str]:
    """Return the stages of a pipeline, in the order in which they run."""
    absent = {
        *(("tuner",) if config.tuner is None else ()),
        *((INFERENCE,) if config.inference is None else ()),
        *(() if config.training.warm_start else ("warm-start",)),
        *(() if fits_plain_models(config) else (plain_models.STAGE,)),
    }
    custom: dict[str, list[str]] = {}
    for stage in config.stages.entries():
        custom.setdefault(_LAST_BESIDE.get(stage.after, stage.after), []).append(stage.id)
    return [name for stage in ORDER for name in ([] if stage in absent else [stage]) + custom.get(stage, [])]


def fits_plain_models(config: Staged) -> bool:
    """Return whether plain models are fitted, to compare the network with."""
    return bool(config.evaluation.plain) and config.label.kind in plain_models.TASKS


def check_custom(config: Staged) -> None:
    """Check the places and names of custom stages.

    Raises:
        ValueError: a custom stage comes after a stage that the pipeline does not have, or its name is taken or invalid.
    """
    names = list(ORDER)
    for stage in config.stages.entries():
        key, name = f"stages.after_{stage.after}: {stage.path!r}", stage.id
        if stage.after == "tuner" and config.tuner is None:
            raise ValueError(f"{key}: this pipeline has no tuner: add [tuner], or place the stage after transformation")
        if stage.after == INFERENCE and config.inference is None:
            raise ValueError(
                f"{key}: this pipeline has no stage {INFERENCE}: add [inference], or place the stage after the pusher"
            )
        if not NAME.fullmatch(name):
            raise ValueError(
                f"{key}: the stage would be called {name!r}, but a name consists of letters, digits and inner "
                "underscores: rename the function"
            )
        if name in names:
            raise ValueError(f"{key}: there is another stage called {name!r}: rename the function")
        names.append(name)


def before(config: Staged, first: str | None) -> list[str]:
    """Return the stages before the first one of a run; none if it runs from the beginning."""
    stage_ids = ids(config)
    return stage_ids[: stage_ids.index(first)] if first is not None else []


def check(config: Staged, *, first: str | None, to: str | None, only: bool = False) -> None:
    """Check the first and the last stage of a run.

    Args:
        config: The config.
        first: First stage, or None.
        to: Last stage, or None.
        only: Whether they are the one stage of `--only`.

    Raises:
        UserError: the pipeline does not have one of them, they are in the wrong order, or the only one pushes.
    """
    stage_ids = ids(config)
    if only and first == PUSHER:
        raise UserError(
            f"--only {first}: it would change the served model. --from {first} pushes the model of the newest run, and "
            "--only evaluator shows whether a model is blessed"
        )
    for option, stage in (("--only", first),) if only else (("--from", first), ("--to", to)):
        if stage is not None and stage not in stage_ids:
            raise UserError(f"{option} {stage}: this pipeline has no such stage.{nearest(stage, stage_ids, 'stages')}")
    if first is not None and to is not None and stage_ids.index(first) > stage_ids.index(to):
        raise UserError(f"--from {first} --to {to}: {first} comes after {to}, so nothing would run")
