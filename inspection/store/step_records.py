"""Records of the steps of runs on a cloud: HOME/runs/RUN_ID/steps/STEP.json, in a bucket or a folder.

The metadata store of a platform cannot be read, so each step records its inputs, outputs and end itself. Steps that
the platform's cache served have no record in their run: they are those that wrote the inputs of recorded ones.
"""

import concurrent.futures
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import buckets
from serving import version_files
from spec.rows.data_paths import is_remote

Record = dict[str, Any]
"""A step: `task`, `type`, `started`, `ended`, `state`, `reason`, `inputs` (key -> list of artifacts) and `outputs`
(key -> artifact), with artifacts as the platform passes them: `uri`, `type`, `metadata`."""
Steps = Mapping[str, Record]
"""Task -> its record."""
RUNS, STEPS = "runs", "steps"
_OF_VERTEX = re.compile(r"(.+)_-?\d+")
"""Folder of a task on Vertex AI: its name and a number."""
_READERS = 16
"""Requests at the same time."""


def names(folder: str) -> list[str]:
    """List the names in a folder, sorted; empty if it does not exist."""
    return sorted(version_files.names(folder))


def read(path: str) -> Any:
    """Read a JSON file; None if it does not exist or is damaged.

    Raises:
        BucketError: the bucket cannot be used.
    """
    try:
        if is_remote(path):
            return json.loads(buckets.read(path))
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except buckets.BucketError:
        raise
    except (OSError, ValueError):
        return None


def of_run(home: str, run_id: str) -> Steps:
    """Read the records of a run; empty if it has none."""
    folder = f"{home}/{RUNS}/{run_id}/{STEPS}"
    paths = [f"{folder}/{name}" for name in names(folder) if name.endswith(".json")]
    with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
        records = [record for record in pool.map(read, paths) if isinstance(record, dict) and "task" in record]
    return {record["task"]: record for record in sorted(records, key=lambda record: record.get("started") or 0)}


def with_cached(steps: Steps, earlier: Callable[[str], Steps]) -> dict[str, Record]:
    """Add the steps that the platform's cache served, from the runs that executed them.

    Args:
        steps: Records of a run.
        earlier: Returns the records of another run.
    """
    complete = dict(steps)
    waiting = list(steps.values())
    while waiting:
        for artifacts in waiting.pop()["inputs"].values():
            for artifact in artifacts:
                run_id, task = producer(artifact["uri"])
                record = None if task in complete else earlier(run_id).get(task)
                if record is not None:
                    complete[task] = {**record, "state": "CACHED"}
                    waiting.append(complete[task])
    return complete


def producer(uri: str) -> tuple[str, str]:
    """Return the run and the task that wrote a file: .../RUN/TASK/UUID/FILE, on Vertex AI .../RUN/TASK_NUMBER/FILE."""
    parts = ["", "", "", *uri.rstrip("/").split("/")]
    match = _OF_VERTEX.fullmatch(parts[-2])
    return (parts[-3], match[1]) if match else (parts[-4], parts[-3])


def state(steps: Steps) -> tuple[str, str]:
    """Return the state of a run and its reason: one of RUN_STATES in inspection/run_files.py."""
    failed = [record for record in steps.values() if record["state"] in ("FAILED", "BLOCKED")]
    if failed:
        first_failure = min(failed, key=lambda record: record.get("ended") or 0)
        return first_failure["state"], first_failure["reason"]
    if steps.get("pusher", {}).get("state") != "COMPLETE":
        return "RUNNING", ""
    pushed = steps["pusher"]["outputs"].get("pushed_model", {}).get("metadata", {})
    [blessing] = steps["pusher"]["inputs"].get("blessing") or [{}]
    facts = blessing.get("metadata", {})
    refused = not facts.get("blessed") or pushed.get("withheld")
    return "NOT_BLESSED" if refused else "COMPLETE", str(pushed.get("withheld") or facts.get("reason") or "")
