"""Decision whether to resume the unfinished run of a pipeline."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import project
from components.evaluator import metric_catalog
from components.fingerprints import code_digest
from components.inference import input_rows
from components.ingestion.discovery import data_files, formats
from models import file_reads
from orchestration.records import run_events
from pipeline import load
from pipeline.config import Config
from pipeline.variants import Name
from spec.file_names import RUN
from spec.rows import data_paths

CODE = (
    "pipeline.create_pipeline",
    "models.training.run_fn",
    "models.transform_graph.preprocessing",
    "models.training.trial_process",
    "components.plain_models.fit_process",
)
"""Modules that import, directly or indirectly, all code of the stages, except code that the config names."""
WITHOUT_EFFECT = ("limits", "notify", "schedule")
"""Sections that do not change a result: a run that exceeded a limit can be resumed with a higher one."""
UNFINISHED = (None, "FAILED", "CANCELED")
"""States of a run that can be resumed; None: its supervisor was killed."""
SCRATCH = "pipeline-"
"""Prefix of the temporary folders of runs."""


def identity(
    config: Config,
    data: data_paths.Paths,
    schema_content: str,
    *,
    first: str | None,
    to: str | None,
    advisory: bool,
    skew: data_paths.Paths | None = None,
    predicted: data_paths.Paths | None = None,
) -> dict[str, str]:
    """Return digests of everything that must be unchanged to resume a run, by their names in messages.

    Args:
        config: The config.
        data: Paths of the data.
        schema_content: Digest of the reviewed schema.
        first: First stage to run, or None.
        to: Last stage to run, or None.
        advisory: Whether the rules of the evaluation only report.
        skew: Paths of served rows that validation compares with, or None.
        predicted: Paths of the rows that [inference] predicts, or None.
    """
    plain = {key: value for key, value in config.plain().items() if key not in WITHOUT_EFFECT}
    text = json.dumps([plain, advisory], sort_keys=True).encode()
    modules = code_modules(config)
    newest = config.data.model_copy(update={"span": None, "window": None})
    return {
        "config": hashlib.sha256(text).hexdigest()[:16],
        "data": data_files.content(data_files.resolve(data, config.data)),
        "schema": schema_content,
        "code": code_digest.code(*modules, files=config.files, values=config.network),
        "libraries": code_digest.libraries_of(*modules),
        "stages": f"{first or ''}:{to or ''}",
        **({"served rows": data_files.content(data_files.resolve(skew, newest))} if skew else {}),
        **({"rows to predict": _content_of_predicted(config, predicted)} if predicted else {}),
    }


def _content_of_predicted(config: Config, paths: data_paths.Paths) -> str:
    assert config.inference is not None
    data = input_rows.settings(config.data, paths, config.inference.format)
    return data_files.content(data_files.resolve(paths, data))


def code_modules(config: Config) -> tuple[str, ...]:
    """Return the modules that import, directly or indirectly, all code of the stages of a run."""
    user_modules = [*config.gates.modules(), *config.user_modules(), *config.stages.modules()]
    extension_modules = [*formats.modules(config.data.format), *metric_catalog.module_names()]
    return (*CODE, *extension_modules, *user_modules)


def requested_identity(
    name: Name, reviewed: load.ReviewedConfig, data_root: str | None, *, first: str | None = None, to: str | None = None
) -> dict[str, str]:
    """Return the identity of the run that a user requests.

    Args:
        name: The run.
        reviewed: Its config and schema.
        data_root: Folder that data paths are relative to; None for the project.
        first: First stage to run, or None.
        to: Last stage to run, or None.

    Raises:
        UserError: the data cannot be found.
    """
    data_folder, skew = os.path.abspath(data_root or project.folder()), reviewed.config.gates.skew.path
    inference = reviewed.config.inference
    return identity(
        reviewed.config,
        data_files.under(data_folder, reviewed.config.data.paths),
        reviewed.schema_content,
        first=first,
        to=to,
        advisory=name.sample,
        skew=None if skew is None else data_files.under(data_folder, skew),
        predicted=None if inference is None else data_files.under(data_folder, inference.path),
    )


@dataclass(frozen=True)
class Earlier:
    """The previous run, if it did not finish.

    Attributes:
        facts: Its run.json.
        folder: Its folder.
        killed: Whether its end was not recorded.
        changed: Names of the inputs that have changed since; empty if the run can be resumed.
    """

    facts: dict[str, Any]
    folder: str
    killed: bool
    changed: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Reason why it did not finish."""
        if not self.killed:
            return str(self.facts.get("reason"))
        return f"its process was killed or the machine stopped {_place(self.folder)}"


def earlier(folder: str, last_run: str | None, requested: Mapping[str, str], metadata: str | None) -> Earlier | None:
    """Read the last run of a pipeline; the caller holds the pipeline's lock, so that it is not running.

    Args:
        folder: Folder of the pipeline's runs.
        last_run: The run's id, or None for the newest folder.
        requested: Identity of the requested run.
        metadata: The store's URL without its password, or None.

    Returns:
        The run, if it did not finish and its records are in this store; else None.
    """
    if last_run is None:
        last_run = max(os.listdir(folder), default=None) if os.path.isdir(folder) else None
    path = os.path.join(folder, last_run or "", RUN)
    try:
        with open(path, encoding="utf-8") as file:
            facts: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return None
    earlier_identity = facts.get("identity")
    if (
        facts.get("state") not in UNFINISHED
        or facts.get("metadata") != metadata
        or not isinstance(earlier_identity, dict)
    ):
        return None
    changed = tuple(key for key, value in requested.items() if earlier_identity.get(key) != value)
    changed += tuple(file_reads.changed(facts.get("reads") or {}))
    return Earlier(facts, os.path.dirname(path), facts.get("state") is None, changed)


def _place(folder: str) -> str:
    """Return the stage that a run had reached when its events ended, as the end of a sentence."""
    progress = "before its first stage"
    for fields in run_events.of_run(folder):
        if fields["event"] == "node":
            progress = f"{'in' if fields['state'] == 'RUNNING' else 'after'} stage {fields['node']}"
    return progress


def remove_scratch(facts: Mapping[str, Any], root: str) -> None:
    """Remove the temporary folder of a run whose supervisor was killed.

    Its name contains the run's id. In a copy of a root, run.json names the folder of a run that may be resumed in the
    original.

    Args:
        facts: The run's run.json.
        root: The folder of all runs.
    """
    path = str(facts.get("scratch", ""))
    is_of_run = os.path.basename(path).startswith(f"{SCRATCH}{facts.get('run_id')}-")
    is_same_root = os.path.realpath(str(facts.get("root", ""))) == os.path.realpath(root)
    if is_of_run and is_same_root and os.path.dirname(path) == tempfile.gettempdir():
        shutil.rmtree(path, ignore_errors=True)
