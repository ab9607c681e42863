"""Reading of compiled files."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from errors import UserError
from orchestration.cloud.parameters import long_parameters
from orchestration.cloud.parameters.runtime_parameters import FACTS


def read(path: str) -> dict[str, Any]:
    """Return the job in a compiled file: a PipelineJob of Vertex AI, or the PipelineSpec of Kubeflow.

    Args:
        path: The file; .json for Vertex AI. In a file for Kubeflow, a second document holds settings of pods.
    """
    with open(path, encoding="utf-8") as file:
        job: dict[str, Any] = json.load(file) if path.endswith(".json") else next(yaml.safe_load_all(file))
    return job


def run_name(path: str, target: str) -> str:
    """Return the name of a compiled file's runs: that of the pipeline, with its variant or sample.

    Args:
        path: The file, which may have been compiled by another installation.
        target: The platform that it is to be for, "kubeflow" or "vertex".

    Raises:
        UserError: there is no such file, it is not a compiled job, or one for the other platform; or a file with long
            settings is missing.
    """
    compile_it = f"compile one with `python runner.py --{target} --output FILE`"
    try:
        packed = _facts(read(path))
    except OSError as error:
        raise UserError(f"--job {path} cannot be read ({error.strerror}): {compile_it}") from error
    except (ValueError, yaml.YAMLError, StopIteration, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"--job {path} is not a compiled job of a pipeline: {compile_it}") from error
    facts = json.loads(long_parameters.restore(packed))
    if facts["target"] != target:
        raise UserError(f"--job {path} is a job for --{facts['target']}: use that option in place of --{target}")
    name: str = facts["pipeline"]
    return name


def _facts(job: Mapping[str, Any]) -> str:
    """Return the parameter with the facts of the compilation, which one task has."""
    tasks = job.get("pipelineSpec", job)["root"]["dag"]["tasks"]
    [facts] = [task["inputs"]["parameters"][FACTS] for task in tasks.values() if FACTS in _parameters(task)]
    text: str = facts["runtimeValue"]["constant"]
    return text


def _parameters(task: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters: Mapping[str, Any] = task.get("inputs", {}).get("parameters", {})
    return parameters
