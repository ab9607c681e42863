"""Whether a run could come to anything new: a digest of data, config, schema and code, without starting a worker."""

import hashlib
import json
from typing import Any

from components import versions
from orchestration import record, resume
from orchestration.places import REPOSITORY, Root
from pipeline import load
from pipeline.variants import Name


def fingerprint(name: Name, overrides: list[str], data_root: str) -> str:
    """Digest of all that a run's result depends on.

    Args:
        name: The run.
        overrides: `key=value` texts.
        data_root: Folder that data paths are relative to.

    Raises:
        UserError: config, schema or data cannot be used.
    """
    identity = resume.asked(name, load.reviewed(REPOSITORY, name, overrides), data_root)
    told = {**identity, "versions": record.versions()}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def still_holds(settled: dict[str, Any], root: str, run: str) -> bool:
    """Whether what the last run came to is still there: its version serves on, if it pushed one.

    A rollback since then is the user's will, so any version that serves is enough.
    """
    return not settled.get("pushed") or bool(versions.pushed(Root(root).serving(run)))
