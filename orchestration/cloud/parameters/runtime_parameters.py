"""Parameters that each run of a compiled job may set; their defaults are those of the config.

A platform passes the values to the steps beside the settings, so that they are part of its cache keys. The entry point
of a step puts them into the settings before TFX reads these.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from errors import UserError
from spec.rows import data_paths

FACTS = "facts"
"""Parameter of a step that is never cached: the facts of the compilation, as JSON."""
EPOCHS, DATA_PATH, DATA_VERSION = "epochs", "data_path", "data_version"
KEYS = {EPOCHS: "training.epochs", DATA_PATH: "data.path"}
"""Parameter -> key of the config with its default."""
_INTEGER, _STRING = "NUMBER_INTEGER", "STRING"
_TYPES = {EPOCHS: _INTEGER, DATA_PATH: _STRING, DATA_VERSION: _STRING}
_MEANINGS = {
    EPOCHS: "Largest number of epochs of the training.",
    DATA_PATH: "Path or pattern of the data: a URI, or a path below the project in the image.",
    DATA_VERSION: "Digest of the data, which ingestion checks. With another data_path: any text that changes whenever "
    "the data does, so that the cache serves nothing old.",
}
_STAGES = {
    "ingestion": (DATA_PATH, DATA_VERSION),
    "validation": (EPOCHS, DATA_PATH, DATA_VERSION),
    "tuner": (EPOCHS,),
    "trainer": (EPOCHS,),
}
"""Stage -> parameters in its settings; validation also passes on the facts of the run."""
_OF_STEP = "run_"
"""Prefix of the names in a step, which keeps them apart from parameters of the stage."""
_DIGEST = re.compile(r"(bucket-)?[0-9a-f]{16}")
"""Digest of files, or of versions of objects; another text says only that the data is another one."""


def declare(job: Mapping[str, Any], *, epochs: int, data: Any, content: str) -> list[str]:
    """Declare the parameters in a job.

    Args:
        job: A PipelineJob in its JSON form, which is changed.
        epochs: training.epochs.
        data: Paths of the data as in the settings of ingestion; several are no parameter.
        content: Digest of the data; empty if each run takes what it finds.

    Returns:
        The names.
    """
    defaults: dict[str, Any] = {EPOCHS: epochs}
    if isinstance(data, str):
        defaults |= {DATA_PATH: data, **({DATA_VERSION: content} if content else {})}
    spec = job["pipelineSpec"]
    spec["root"]["inputDefinitions"] = {
        "parameters": {
            name: {
                "parameterType": _TYPES[name],
                "defaultValue": default,
                "isOptional": True,
                "description": _MEANINGS[name],
            }
            for name, default in defaults.items()
        }
    }
    for task_id, task in spec["root"]["dag"]["tasks"].items():
        component = spec["components"][task["componentRef"]["name"]]
        for name in _STAGES.get(task_id, ()):
            if name in defaults:
                key = _OF_STEP + name
                component["inputDefinitions"].setdefault("parameters", {})[key] = {"parameterType": _TYPES[name]}
                task["inputs"].setdefault("parameters", {})[key] = {"componentInputParameter": name}
    return list(defaults)


def defaults(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a job declares, with their defaults.

    Args:
        job: A compiled job of either platform.
    """
    root = job.get("pipelineSpec", job)["root"]
    declared = root.get("inputDefinitions", {}).get("parameters", {})
    return {name: parameter.get("defaultValue") for name, parameter in declared.items()}


def parse(texts: Iterable[str]) -> dict[str, Any]:
    """Parse the parameters of the command line.

    Args:
        texts: NAME=VALUE of each.

    Raises:
        UserError: one has another form, or an unknown name.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or name not in _TYPES:
            raise UserError(f"--parameter {text}: write NAME=VALUE with one of the names {', '.join(_TYPES)}")
        values[name] = _number(value) if _TYPES[name] == _INTEGER else _text(name, value)
    return values


def check_declared(values: Iterable[str], job: Mapping[str, Any]) -> None:
    """Check that a job has the parameters that a run sets.

    Raises:
        UserError: it lacks one.
    """
    declared = defaults(job)
    reasons = {
        DATA_PATH: "data.path of the config has several paths",
        DATA_VERSION: "each run takes the data that it finds",
    }
    for name in values:
        if name not in declared:
            reason = reasons.get(name, "it was compiled without")
            raise UserError(f"--parameter {name}: this job has no such parameter, as {reason}: remove the option")


def applied(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Put the values of a run into the settings of a step.

    Args:
        parameters: Parameters of the step, as the platform passes them, with long texts.

    Returns:
        The parameters of the stage alone.

    Raises:
        UserError: a value is not valid.
    """
    values = {name: parameters[_OF_STEP + name] for name in _TYPES if _OF_STEP + name in parameters}
    own = {key: value for key, value in parameters.items() if key.removeprefix(_OF_STEP) not in values}
    if EPOCHS in values:
        values[EPOCHS] = _number(values[EPOCHS])
    for key in ("settings", "custom_config", FACTS):
        if values and key in own:
            content = json.loads(own[key])
            packed = content["settings"] if key == "custom_config" else content
            _edit(packed.get("inline", packed), own, values)
            own[key] = json.dumps(content)
    return own


def _edit(settings: dict[str, Any], own: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Change the settings of a stage, or the facts, in place."""
    if EPOCHS in values:
        for section in (settings, settings.get("config", {})):
            if "training" in section:
                section["training"]["epochs"] = values[EPOCHS]
    if DATA_PATH not in values:
        return
    path, version = _text(DATA_PATH, values[DATA_PATH]), values.get(DATA_VERSION, "")
    if "paths" in settings:  # ingestion
        own["content"] = _content(settings, path, version, own["content"])
        settings["paths"] = path
    elif "source" in settings:  # validation
        settings["source_content"] = _content(settings["source"], path, version, settings["source_content"])
        settings["source"]["paths"] = path
    elif "config" in settings:  # facts
        if settings["data"] != path:
            settings["config"]["data"]["path"] = path
        settings["data"] = path


def _content(source: Mapping[str, Any], path: str, version: str, compiled: str) -> str:
    """Return the digest that the data must have; empty if only the run knows what its data is."""
    if path != source["paths"]:
        check_format(path, source["paths"], source["data"]["format"])
        if compiled and version == compiled:
            raise UserError(
                f"parameter data_path is {path}, but data_version is that of {source['paths']}: set data_version too, "
                "to a text that changes whenever the data does, such as a date: the platform serves runs with equal "
                "parameters from its cache"
            )
    return version if _DIGEST.fullmatch(version) else ""


def check_format(path: str, compiled: str, name: str | None) -> None:
    """Check that data has the format of the data that a job was compiled with.

    Args:
        path: Path of the data.
        compiled: Path in the job.
        name: data.format; with None the names of the paths decide.

    Raises:
        UserError: it has another format.
    """
    from components.ingestion.discovery import formats

    if formats.of(path, name) != formats.of(compiled, name):
        raise UserError(
            f"parameter data_path is {path}, which has another format than {compiled}: compile a job with this path"
        )


def _number(value: Any) -> int:
    """Return an integer that a platform passes as a number or text."""
    number = float(value) if re.fullmatch(r"\d{1,9}(\.0+)?", str(value)) else None
    if number is None:
        raise UserError(f"parameter epochs is {value!r}: write a whole number, 0 or more")
    return int(number)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"parameter {name} is {value!r}: write a text that is not empty")
    if name == DATA_PATH and not data_paths.is_remote(value) and (os.path.isabs(value) or ".." in value.split("/")):
        raise UserError(f"parameter data_path is {value}: write a URI, or a path below the project in the image")
    return value
