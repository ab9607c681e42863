"""Digest of data, config, schema and code, by which a scheduled run without changes is skipped before it starts."""

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
    """Return the digest of everything that the result of a run depends on.

    Args:
        name: The run.
        overrides: `key=value` strings.
        data_root: Folder that data paths are relative to.
        root: Folder of all runs.

    Raises:
        UserError: config, schema or data cannot be used.
        ResourceError: a database cannot be reached.
    """
    reviewed = load.reviewed(project.folder(), name, overrides)
    config, _ = query_config.settle(reviewed.config, data_root, Root(os.path.abspath(root)).queries(name.run))
    return of(resume.requested_identity(name, replace(reviewed, config=config), data_root), run_record.versions())


def of(identity: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Return the digest from the identity and the versions of a run, as `fingerprint` and run.json have them."""
    inputs = {**identity, "versions": versions}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


def still_holds(settled: dict[str, Any], root: str, run: str) -> bool:
    """Return whether the outcome of the last run is still valid.

    It is if a version serves, in case the run pushed one, and the files that its code opened are unchanged. The
    version may be another one, after a rollback by the user.
    """
    if settled.get("pushed") and not versions.pushed(Root(root).serving(run)):
        return False
    return not file_reads.changed(settled.get("reads") or {})
