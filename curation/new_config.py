"""`new`: propose a config and a schema for data that run without edits."""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from components.data_checks import label_problems
from components.ingestion.rows.row_filter import BLANK_LABEL, sentence
from curation.facts import column_facts, relations
from curation.facts.column_facts import Facts
from curation.look import image_facts, object_copies, query_result, split_columns
from curation.look.object_copies import BucketSource
from curation.look.query_result import QuerySource
from curation.look.reading import LoadedData, read
from curation.propose import (
    config_text,
    role_choices,
    schema_text,
    text_hints,
    training_choices,
    usable_names,
)
from curation.propose.choices import Entry, Line
from curation.propose.label import label_choice, label_tails
from curation.propose.label.label_choice import LabelChoice
from curation.propose.role_choices import Roles
from errors import ResourceError, UserError
from inspection.store import file_rights
from pipeline.load import CONFIGS, SCHEMAS
from spec.columns.label import CLASSED

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Proposal:
    """Proposed config and schema.

    Attributes:
        config: Text of the TOML file.
        schema: Text of the .pbtxt file.
        findings: Findings about the data, one per line.
        loaded: The data.
    """

    config: str
    schema: str
    findings: tuple[str, ...]
    loaded: LoadedData


def new(
    root: str, name: str, source: str | QuerySource | BucketSource, *, label: str | None = None, force: bool = False
) -> Proposal:
    """Analyze data and write configs/NAME.toml and schemas/NAME.pbtxt.

    Args:
        root: The project folder.
        name: The pipeline's name.
        source: The data's path, a query, or an address in a bucket.
        label: The label column; None to guess.
        force: Whether existing files are replaced; the old ones are kept as FILE.previous.

    Raises:
        UserError: the name is taken or invalid, the data cannot be read, or no column can be the label.
        ResourceError: a file cannot be written.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is not a valid pipeline name: use lower-case letters, digits and _, and start with a letter"
        )
    targets = [os.path.join(root, CONFIGS, f"{name}.toml"), os.path.join(root, SCHEMAS, f"{name}.pbtxt")]
    existing = [os.path.relpath(target, root) for target in targets if os.path.exists(target)]
    if existing and not force:
        verb = "exist" if len(existing) > 1 else "exists"
        raise UserError(f"{' and '.join(existing)} already {verb}: choose another name, or replace with --force")
    if isinstance(source, BucketSource):
        loaded = object_copies.read(source, root, label)
    else:
        loaded = read(source, root, label) if isinstance(source, str) else query_result.read(source, root)
    proposal = propose(name, loaded, label)
    for target, text in zip(targets, (proposal.config, proposal.schema), strict=True):
        replace(target, text, keep=True)
    return proposal


def propose(name: str, loaded: LoadedData, label_name: str | None) -> Proposal:
    """Propose config and schema for data.

    Args:
        name: The pipeline's name.
        loaded: The data.
        label_name: The label column; None to guess.

    Raises:
        UserError: no column can be the label, or a column cannot be read.
    """
    source = loaded.where
    try:
        facts, table = column_facts.table(loaded.table, loaded.kinds)
    except TypeError as error:
        raise UserError(f"{source}: {error}, which no role accepts: remove the column from the data") from error
    if label_name is not None and label_name in loaded.added:
        raise UserError(f"--label {label_name!r}: this is {loaded.added[label_name]}: choose another column")
    feature_facts = Facts(facts.rows, tuple(column for column in facts.columns if column.name not in loaded.added))
    divided = split_columns.find(feature_facts, {label_name, *loaded.kinds}, ready_made=loaded.ready_made)
    found = {divided.column, *divided.others}
    feature_facts = Facts(facts.rows, tuple(column for column in feature_facts.columns if column.name not in found))
    try:
        label = label_choice.choose(feature_facts, label_name, source, loaded.values.get("partitions", ()))
    except UserError as error:
        about = [line for line in loaded.findings if line.startswith((f"{label_name}: ", f"{label_name} holds "))]
        raise UserError("; ".join([str(error), *about])) from error
    chosen = _roles(feature_facts, table, label)
    chosen.entries += [Entry("ignored", {"column": name}, reason) for name, reason in divided.others.items()]
    if divided.line is not None:
        chosen.findings.append(
            f"{divided.column} is the split column: data.split, not a feature ({divided.line.reason})"
        )
    for column, added_reason in loaded.added.items():
        chosen.id = (column, added_reason)
        chosen.findings.append(f"{column} identifies rows: [columns] id, not a feature")
    if loaded.pictures is not None:
        facts = Facts(facts.rows, (image_facts.column(facts.rows), *facts.columns))
        chosen.entries.insert(0, image_facts.entry(loaded.pictures))
    if not any(entry.role != "ignored" for entry in chosen.entries):
        reasons = "; ".join(f"{entry.column!r}: {entry.reason}" for entry in chosen.entries)
        raise UserError(
            f"{source}: no column is left to predict {label.column.name!r} from: {reasons or 'it is the only column'}"
        )
    tail_sentence = (
        label_tails.sentence(label.column) if label.task == "regression" and "transform" not in label.keys else ""
    )
    offered = label_tails.offers(label.column) if tail_sentence else ()
    plan = training_choices.propose(
        facts, label, chosen.entries, ready_made=loaded.ready_made, together=chosen.id is not None
    )
    head = [
        f"{name}: {_task(label)}, proposed from {source}:",
        f"{facts.rows:,} rows{'' if loaded.is_complete else ' (the first ones; the data has more)'}, "
        f"{len(facts.columns)} columns. "
        "Each choice has its reason next to it: review them, and edit what you know better.",
        "",
        f"  python runner.py --local --pipeline {name}",
    ]
    data = [*loaded.lines, *_unlabelled(label), divided.line or plan.split, *_by_time(chosen)]
    sections: dict[str, Sequence[Line]] = {
        "data": data,
        "columns": _duties(chosen),
        "label": [*_label(label), *offered[:1]],
        "network": plan.network,
        "training": [*plan.training, *offered[1:]],
        "evaluation": plan.evaluation,
        **({"gates": plan.gates} if plan.gates and divided.line is None else {}),
    }
    categories = {entry.column for entry in chosen.entries if entry.role in ("categorical", "hashed")}
    schema = schema_text.schema(
        facts,
        [
            f"Schema of {source}, inferred from {facts.rows:,} rows: one feature per column, in the order of the data.",
            "Every run is validated against this file; edit it to accept a change in the data.",
        ],
        categories=categories,
        label=label.column.name,
    )
    findings = (
        f"{source}: {loaded.format_name}, {facts.rows:,}{'' if loaded.is_complete else '+'} rows, "
        f"{len(facts.columns)} columns",
        *loaded.findings,
        *_findings(feature_facts, label, chosen),
        *([tail_sentence] if tail_sentence else []),
        *_contradictions(loaded, table, label, chosen),
    )
    return Proposal(config_text.config(head, sections, chosen.entries), schema, findings, loaded)


def replace(target: str, text: str, *, keep: bool) -> str | None:
    """Write a file atomically.

    Args:
        target: The file.
        text: Its content.
        keep: Whether an existing file is kept, as FILE.previous, FILE.2.previous and so on.

    Returns:
        The path of the kept file; None if there was none.

    Raises:
        ResourceError: the file cannot be written.
    """
    draft, backup, number = f"{target}.{os.getpid()}.new", f"{target}.previous", 2
    while os.path.lexists(backup):
        backup, number = f"{target}.{number}.previous", number + 1
    try:
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        if keep and os.path.exists(target):
            os.replace(target, backup)
        os.replace(draft, target)
    except OSError as error:
        reason = file_rights.unwritable(target) or f"{target} cannot be written: {error.strerror}"
        raise ResourceError(reason) from error
    return backup if os.path.exists(backup) else None


def _roles(facts: Facts, table: pa.Table, label: LabelChoice) -> Roles:
    name = label.column.name
    chosen = role_choices.propose(
        facts,
        name,
        twins=relations.twins(facts, table, skip=name),
        leaks=relations.leaks(facts, table, name, numeric=label.task == "regression"),
        orders=relations.orders(facts, table, name),
    )
    chosen.entries = usable_names.only(chosen.entries)
    return chosen


def _task(label: LabelChoice) -> str:
    kinds = {
        "regression": "predicts the number",
        "binary": "predicts one of two classes,",
        "classes": "predicts the class",
    }
    return f"{kinds[label.task]} {label.column.name!r} ({label.task})"


def _unlabelled(label: LabelChoice) -> list[Line]:
    """Raise data.max_null_label if many rows have no label: they are dropped."""
    share = label.column.missing_share
    if share < 0.04:
        return []
    limit = min(1.0, math.ceil(share * 110) / 100)
    return [Line("max_null_label", limit, f"{share:.1%} of the rows have no label and are dropped")]


def _by_time(chosen: Roles) -> list[Line]:
    for key, column, _ in chosen.hints:
        if key == "time":
            time_reason = f"alternative: train on older rows, test on the newest; needs [columns] time = {column!r}"
            week_reason = f"alternative for a file that grows: read the newest week; needs [columns] time = {column!r}"
            return [
                Line("split", {"by": "time"}, time_reason, active=False),
                Line("spans", {"by": "week"}, week_reason, active=False),
            ]
    return []


def _duties(chosen: Roles) -> list[Line]:
    lines = [Line("id", chosen.id[0], chosen.id[1])] if chosen.id else []
    return [*lines, *(Line(key, column, reason, active=False) for key, column, reason in chosen.hints)]


def _label(label: LabelChoice) -> list[Line]:
    lines = [Line("column", label.column.name, label.column_reason), Line("task", label.task, label.task_reason)]
    return [*lines, *(Line(key, value, label.reasons.get(key, "")) for key, value in label.keys.items())]


def _findings(facts: Facts, label: LabelChoice, chosen: Roles) -> list[str]:
    by_role: dict[str, list[Entry]] = {}
    for entry in chosen.entries:
        by_role.setdefault(entry.role, []).append(entry)
    lines = [
        f"label: {label.column.name} ({label.column_reason}){sentence({BLANK_LABEL: label.column.missing})}",
        f"task: {label.task} ({label.task_reason})",
    ]
    if hint := text_hints.hint(label.column):
        lines.append(f"{label.column.name} is read as text: {hint}")
    for role, entries in by_role.items():
        if role != "ignored":
            names = _names([" x ".join(entry.values.get("columns", [entry.column])) for entry in entries])
            lines.append(f"{role}: {names}")
    reasons: dict[str, list[str]] = {}
    for entry in by_role.get("ignored", ()):
        reasons.setdefault(entry.reason, []).append(entry.column)
    lines += chosen.findings
    for reason, columns in reasons.items():
        lines.append(f"{_names(columns)} {'is' if len(columns) == 1 else 'are'} ignored: {reason}")
    return lines


def _contradictions(loaded: LoadedData, table: pa.Table, label: LabelChoice, chosen: Roles) -> list[str]:
    """Return a sentence on rows with equal features but different labels; image files are compared elsewhere."""
    if label.task not in CLASSED or loaded.pictures is not None or "threshold" in label.keys:
        return []
    # A column that is hinted to be an id would make equal rows differ.
    hinted = {column for key, column, _ in chosen.hints if key == "group"}
    used = [entry for entry in chosen.entries if entry.role != "ignored" and entry.column not in hinted]
    names = dict.fromkeys(name for entry in used for name in entry.values.get("columns", [entry.column]))
    contradicting, total, best_case = relations.contradictions(table, list(names), label.column.name)
    return [label_problems.contradicted(contradicting, total, best_case)] if contradicting else []


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
