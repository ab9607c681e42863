"""Keys of the files in a run's folder, and states of runs, stages, scheduled runs and artifacts.

docs/reference/run-files.md is generated from this module, and a test compares the files of a whole run with it. Plain
Python; nothing here is imported by the code that writes the files except the states.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

RUN_STATES: Mapping[str, str] = {
    "COMPLETE": "The model was blessed and pushed, or nothing had to be pushed; with `--to`, that stage finished.",
    "NOT_BLESSED": "The model broke a rule, or was blessed and held back; nothing was pushed. Exit code 3.",
    "BLOCKED": "A gate refused the data before training. Exit code 3.",
    "FAILED": "A stage failed, a limit was exceeded, or the store or disk could not be used. Exit code 2, 4 or 5.",
    "CANCELED": "Stopped by Ctrl-C or SIGTERM. Exit code 130.",
    "RUNNING": "The run has not ended yet.",
    "UNKNOWN": "Another tool made the run, and the store does not say how it ended.",
}
"""State of a run -> its meaning. run.json holds the first five; a run without one is RUNNING, or was killed."""

STAGE_STATES: Mapping[str, str] = {
    "RUNNING": "The stage is executing.",
    "COMPLETE": "The stage was executed and finished.",
    "CACHED": "Outputs of an earlier execution were reused: code, settings, libraries and inputs are unchanged.",
    "KEPT": "Finished by an earlier attempt of the same run.",
    "TAKEN": "Taken from the run that `--from` continues.",
    "FAILED": "The stage failed, or its gate refused the data.",
    "CANCELED": "Stopped while it was executing.",
    "NOT RUN": "The run ended before this stage.",
}
"""State of a stage -> its meaning. ML Metadata has KEPT and TAKEN as CACHED, and no record of NOT RUN."""

FIRE_STATES: Mapping[str, str] = {
    "WAITING": "Due, but an earlier run of the schedule is still running.",
    "RUNNING": "An attempt is running.",
    "COMPLETE": "The run ended well.",
    "UNCHANGED": "Data, config, schema and code equal those of the last run that reached a verdict; nothing was run.",
    "BLOCKED": "A gate refused the data.",
    "NOT_BLESSED": "The model broke a rule, or was blessed and held back.",
    "FAILED": "The last attempt failed, exceeded `timeout`, or its process is gone; REASON says which.",
    "CANCELED": "The run was stopped.",
    "SKIPPED": "Not started: paused, or because of `catchup` or `overlap`.",
}
"""State of a scheduled run -> its meaning, in `schedule history`: those of runs, and those of times without one."""

ARTIFACT_STATES: Mapping[str, str] = {
    "LIVE": "Complete; the cache and later stages may use it.",
    "MISSING": "Live in the store, but its path does not exist on this machine: it was deleted, as after an older "
    "store was copied back, or it is on another machine. Stages that need it run again.",
    "DELETED": "`inspect clean` moved its files to the trash, or `inspect restore` found that they are gone.",
    "PENDING": "A stage is writing it, or was killed while it did.",
    "ABANDONED": "The stage that wrote it failed or was stopped.",
    "MARKED_FOR_DELETION": "Another tool will delete it.",
    "REFERENCE": "Another tool has recorded it as a link to a resource elsewhere.",
    "UNKNOWN": "Another tool wrote it without a state.",
}
"""State of an artifact -> its meaning. MISSING is not stored: it is LIVE without files on this machine."""

FORMER_FIRE_STATES: Mapping[str, str] = {
    "DONE": "COMPLETE",
    "REFUSED": "BLOCKED",
    "TIMEOUT": "FAILED",
    "LOST": "FAILED",
}
"""State that earlier versions wrote -> its name now."""


class Attempt(TypedDict, total=False):
    """One attempt of a run."""

    started: str
    """Start time, in UTC."""
    pid: int
    """Process id of the supervisor."""
    ended: str
    """End time."""
    state: str
    """State that the attempt ended with."""
    reason: str
    """Why."""


class RunFile(TypedDict, total=False):
    """run.json: request and result of a run. Written at the start and after each change."""

    run_id: str
    """Id of the run, and name of its folder: UTC time and four random characters."""
    pipeline: str
    """Pipeline, with its variant: NAME or NAME-VARIANT; NAME-sample for `--sample`."""
    command: list[str]
    """Command line, without passwords."""
    pid: int
    """Process id of the supervisor."""
    config: dict[str, Any]
    """The config with all defaults and overrides."""
    tuned: dict[str, Any]
    """Key of the config -> value that the tuner chose; the training used it in place of that in `config`."""
    seed: int
    """Seed of the training."""
    data: Any
    """Paths of the data files or patterns."""
    files: list[dict[str, Any]]
    """Files of the data that were read: path (inside the project relative to it), digest (the first 16 hex digits of
    its SHA-256), bytes, span, version, and rows by split."""
    query: dict[str, Any]
    """Of `data.sql`: query, database, file with the rows, number of rows and time."""
    root: str
    """Folder of all runs."""
    metadata: str | None
    """URL of the ML Metadata store without its password; null for SQLite in the root."""
    beam_args: list[str]
    """Arguments of the Beam runner."""
    identity: dict[str, str]
    """Digests of config, data, schema, code and stages: a run is resumed only if they are equal."""
    unused: list[Any]
    """Columns of the schema that the model does not use, with the reason."""
    git: list[dict[str, Any]]
    """Revision of the code, for the repository and a separate project: folder, commit, dirty (whether code, a config or
    a schema differs from the commit) and changed, the first of these files; empty without git."""
    versions: dict[str, str]
    """Versions of Python and of the libraries that results depend on."""
    started: str
    """Start of the first attempt."""
    attempts: list[Attempt]
    """Attempts of the run, in order: each started, ended, pid, state and reason."""
    scratch: str
    """Temporary folder of the run; removed at its end."""
    nodes: list[str]
    """Stages in the order in which they run."""
    upstream: dict[str, list[str]]
    """Stage -> stages whose outputs it needs."""
    unchanged_since: str
    """Run whose outputs were recorded again because nothing has changed."""
    omissions: list[str]
    """What of the data was skipped, dropped, cut or converted, a sentence each."""
    warnings: list[str]
    """Warnings of the gates, a sentence each."""
    reads: dict[str, Any]
    """Files that the user's own code opened, with their digests."""
    peak_memory_mb: int
    """Largest resident memory of the worker in MB, if `limits.memory_gb` is set."""
    state: str
    """State that the run ended with; absent while it runs."""
    reason: str
    """Why it ended with this state."""
    ended: str
    """End of the last attempt."""
    stage: str
    """Last stage that was executed."""
    log: str
    """Log of that stage."""
    outcome: dict[str, Any]
    """The verdict without slices, rows and details, and what was pushed; see below."""
    not_continued: str
    """Why an unfinished run was not resumed."""


class Outcome(TypedDict, total=False):
    """`outcome` in run.json: the verdict's keys but `slices`, `worst` and `details`, and these."""

    reached: str
    """With `--to`: the stage that the run ended with."""
    pushed: str | None
    """Folder of the version that this run pushed; null if it pushed none, or a newer one serves."""
    serves: int | None
    """Version that serves; null if there is none."""
    withheld: str | None
    """Why a blessed model was not pushed; null if it was, or was not blessed."""


class VerdictFile(TypedDict, total=False):
    """verdict.json, in the artifact `evaluation`: metrics, rules and the decision. null stands for NaN and infinity."""

    blessed: bool
    """Whether the model may be pushed."""
    advisory: bool
    """Whether rules only report, as with `--sample`."""
    reason: str
    """The failed rules, or else all rules, in words."""
    split: str
    """Evaluated split."""
    task: str
    """Task of the label."""
    classes: list[str] | None
    """Class names in order; null for tasks without classes."""
    metrics: dict[str, float | None]
    """Metric -> value on all rows; `example_count` is the number of rows."""
    too_good: str
    """Warning that a metric is so good that a column may give the label away; empty if none is."""
    better: dict[str, str | float]
    """Metric -> direction that is better, higher or lower; or its best value, from which both directions are worse."""
    intervals: dict[str, list[float]]
    """Metric -> lower and upper end of its 95 % confidence interval; metrics without one are absent."""
    interval_method: str
    """How the intervals were computed."""
    baseline: dict[str, float | None] | None
    """Metric -> value of the baseline on the same rows; null without a baseline."""
    baseline_note: str
    """Which model the baseline is, or why there is none."""
    plain: dict[str, dict[str, float | None]]
    """Plain model (linear, boosted_trees) -> metric -> its value on the same rows."""
    plain_notes: list[str]
    """How the model compares with each plain model, and why one is missing."""
    rules: list[Any]
    """Each rule: metric, value, limit, ok, kind (floor, baseline, plain, gap, number, skipped, absent), slice, count,
    note, edit (the change of the config that would accept it) and text."""
    slices: list[Any]
    """Each slice: slice (column -> value), count, metrics, intervals, baseline and plain models."""
    slices_left_out: list[Any]
    """Slicings of which only the most frequent slices were measured: slicing, slices, kept and rows_left."""
    worst_count: int
    """Smallest number of rows of the slices in `worst_slices`."""
    worst_slices: list[Any]
    """The worst slices: metric, slice, value, interval and count."""
    details: dict[str, Any]
    """By task: confusion matrix, calibration, score histogram or cluster sizes."""
    worst: Any
    """The rows that the model is most wrong about, by id."""


EVENTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "attempt": (("number",), "The run is resumed as this attempt, counted from 1."),
    "plan": (("nodes", "upstream"), "Stages in order, and which stages each one needs."),
    "node": (
        ("node", "state", "seconds", "summary"),
        "A stage started (RUNNING, without seconds and summary) or ended, with its duration and one line of result.",
    ),
    "progress": (("text",), "How far the running stage is."),
    "gates": (("node", "findings"), "What the gates found, as in gates.json."),
    "files": (("files",), "Files of the data that were read, as in run.json."),
    "tuned": (("values",), "Values that the tuner chose, as in run.json."),
    "omissions": (("node", "lines"), "What of the data was skipped, dropped, cut or converted."),
    "reads": (("files",), "Files that the user's own code opened, with their digests."),
    "error": (("kind", "message"), "The error that ended the run: its class, see the exit codes, and its message."),
    "outcome": ((), "The end of the last stage; the keys of `outcome` in run.json."),
}
"""Event in events.jsonl -> its keys besides `event` and `time`, and its meaning."""

FINDING: Mapping[str, str] = {
    "gate": "`schema`, or a key of [gates].",
    "column": "The column; null for a finding about whole rows.",
    "limit": "What is allowed.",
    "measured": "What the data has.",
    "action": "warn or block.",
    "text": "Limit and value in words.",
    "edit": "The change of the config or schema that would accept it; empty if there is none.",
    "splits": "Splits that it was found in.",
    "rows": "Up to 20 rows: `file` and `line`.",
    "line": "All of it as one line.",
}
"""Key of one finding in gates.json -> its meaning."""
