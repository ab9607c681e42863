"""Parameters of a run that the command line sets, checked before anything is sent or executed."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import project
from orchestration.cloud.compiler import Request
from orchestration.cloud.data import job_data
from orchestration.cloud.parameters import runtime_parameters
from orchestration.cloud.parameters.runtime_parameters import DATA_PATH, DATA_VERSION, KEYS
from pipeline import load


def values(texts: Iterable[str], request: Request, job: Mapping[str, Any]) -> dict[str, Any]:
    """Check the parameters as the config checks its keys, and look for the data.

    Args:
        texts: NAME=VALUE of each.
        request: The compilation.
        job: The compiled job.

    Returns:
        Name -> value. With a path of data, its URI, and its digest unless the texts have a version.

    Raises:
        UserError: a value is not valid, the job lacks the parameter, or there is no such data.
        ResourceError: the bucket cannot be used.
    """
    parsed = runtime_parameters.parse(texts)
    if not parsed:
        return {}
    runtime_parameters.check_declared(parsed, job)
    keys = [f"{KEYS[name]}={json.dumps(value)}" for name, value in parsed.items() if name in KEYS]
    reviewed = load.reviewed(project.folder(), request.name, [*request.overrides, *keys])
    if DATA_PATH not in parsed:
        return parsed
    shown = f"{load.CONFIGS}/{request.name.pipeline}.toml"
    _, path, content = job_data.find(
        reviewed.config, reviewed.columns, request.data_root, config_file=shown, pin=request.pin
    )
    defaults = runtime_parameters.defaults(job)
    runtime_parameters.check_format(path, defaults[DATA_PATH], reviewed.config.data.format)
    version = {DATA_VERSION: content} if DATA_VERSION in defaults else {}
    return {**version, **parsed, DATA_PATH: path}
