"""Whether a run could come to anything new: a digest of data, config, schema and code, without starting a worker."""

import hashlib
import json
import os
from typing import Any

from components import digest, versions
from components.ingestion import files
from orchestration import record
from orchestration.places import REPOSITORY, Root
from pipeline import load
from pipeline.variants import Name

CODE = ("orchestration.execution", "models.preprocessing", "models.training")
"""What a run's worker imports, with all that these import."""
BESIDE = ("schedule", "notify", "limits")
"""Sections that change nothing in a run."""


def fingerprint(name: Name, overrides: list[str], data_root: str) -> str:
    """Digest of all that a run's result depends on.

    Args:
        name: The run.
        overrides: `key=value` texts.
        data_root: Folder that data paths are relative to.

    Raises:
        UserError: config, schema or data cannot be used.
    """
    reviewed = load.reviewed(REPOSITORY, name, overrides)
    config = reviewed.config.plain()
    paths = files.under(os.path.abspath(data_root), reviewed.config.data.path)
    own = [config["network"]["name"], config["preprocessing"] or ""]
    modules = [path.rpartition(".")[0] for path in own if "." in path]
    if "." not in own[0]:
        modules.append(f"models.networks.{own[0]}")
    told = {
        "data": files.content(files.resolve(paths, config["data"])),
        "config": {section: values for section, values in config.items() if section not in BESIDE},
        "schema": digest.file(os.path.join(REPOSITORY, reviewed.schema)),
        "code": digest.code(*CODE, *modules),
        "versions": record.versions(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def still_holds(settled: dict[str, Any], root: str, run: str) -> bool:
    """Whether what the last run came to is still there: its version serves on, if it pushed one.

    A rollback since then is the user's will, so any version that serves is enough.
    """
    return not settled.get("pushed") or bool(versions.pushed(Root(root).serving(run)))
