"""Whether a run could come to anything new: a digest of data, config, schema and code, without starting a worker."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import project
from models import file_reads
from orchestration.local import resume
from orchestration.paths import Root
from orchestration.records import run_record
from pipeline import load, query_config
from pipeline.variants import Name
from serving import versions


def fingerprint(name: Name, overrides: list[str], data_root: str, root: str) -> str:
    """Digest of all that a run's result depends on.

    Args:
        name: The run.
        overrides: `key=value` texts.
        data_root: Folder that data paths are relative to.
        root: Folder of all runs.

    Raises:
        UserError: config, schema or data cannot be used.
        ResourceError: a database cannot be reached.
    """
    reviewed = load.reviewed(project.folder(), name, overrides)
    config, _ = query_config.settle(reviewed.config, data_root, Root(os.path.abspath(root)).queries(name.run))
    return of(resume.asked(name, replace(reviewed, config=config), data_root), run_record.versions())


def of(identity: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """The same for what a run was made from, as its run.json has it: data may change before the run looks at it."""
    told = {**identity, "versions": versions}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def still_holds(settled: dict[str, Any], root: str, run: str) -> bool:
    """Whether what the last run came to still holds.

    Its version serves on, if it pushed one, and the files that its code opened are as they were. A rollback since then
    is the user's will, so any version that serves is enough.
    """
    if settled.get("pushed") and not versions.pushed(Root(root).serving(run)):
        return False
    return not file_reads.changed(settled.get("reads") or {})
