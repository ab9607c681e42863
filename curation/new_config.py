"""`new`: propose a config and a schema for data that run without edits."""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from components.data_checks import label_problems
from curation.facts import column_facts, relations
from curation.facts.column_facts import Facts
from curation.look import image_facts, object_copies, query_result, split_columns
from curation.look.object_copies import InBucket
from curation.look.query_result import Asked
from curation.look.reading import Found, read
from curation.propose import (
    config_text,
    label_choice,
    label_tails,
    role_choices,
    schema_text,
    training_choices,
    usable_names,
)
from curation.propose.choices import Entry, Line
from curation.propose.label_choice import LabelChoice
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
        said: Findings about the data, one per line.
    """

    config: str
    schema: str
    said: tuple[str, ...]


def new(
    root: str, name: str, source: str | Asked | InBucket, *, label: str | None = None, force: bool = False
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
    if isinstance(source, InBucket):
        found = object_copies.read(source, root)
    else:
        found = read(source, root) if isinstance(source, str) else query_result.read(source, root)
    proposal = propose(name, found, label)
    for target, text in zip(targets, (proposal.config, proposal.schema), strict=True):
        replace(target, text, keep=True)
    return proposal


def propose(name: str, found: Found, wanted: str | None) -> Proposal:
    """Propose config and schema for data.

    Args:
        name: The pipeline's name.
        found: The data.
        wanted: The label column; None to guess.

    Raises:
        UserError: no column can be the label, or a column cannot be read.
    """
    where = found.where
    try:
        known, table = column_facts.table(found.table, found.kinds)
    except TypeError as error:
        raise UserError(f"{where}: {error}, which no role accepts: remove the column from the data") from error
    if wanted is not None and wanted in found.added:
        raise UserError(f"--label {wanted!r}: this is {found.added[wanted]}: choose another column")
    own = Facts(known.rows, tuple(column for column in known.columns if column.name not in found.added))
    divided = split_columns.find(own, {wanted, *found.kinds}, ready_made=found.ready_made)
    named = {divided.column, *divided.others}
    own = Facts(own.rows, tuple(column for column in own.columns if column.name not in named))
    try:
        label = label_choice.choose(own, wanted, where)
    except UserError as error:
        about = [line for line in found.said if line.startswith((f"{wanted}: ", f"{wanted} holds "))]
        raise UserError("; ".join([str(error), *about])) from error
    chosen = _roles(own, table, label)
    chosen.entries += [Entry("ignored", {"column": name}, why) for name, why in divided.others.items()]
    if divided.line is not None:
        chosen.said.append(f"{divided.column} is the split column: data.split, not a feature ({divided.line.why})")
    for column, reason in found.added.items():
        chosen.id = (column, reason)
        chosen.said.append(f"{column} identifies rows: [columns] id, not a feature")
    if found.pictures is not None:
        known = Facts(known.rows, (image_facts.column(known.rows), *known.columns))
        chosen.entries.insert(0, image_facts.entry(found.pictures))
    if not any(entry.role != "ignored" for entry in chosen.entries):
        reasons = "; ".join(f"{entry.column!r}: {entry.why}" for entry in chosen.entries)
        raise UserError(
            f"{where}: no column is left to predict {label.column.name!r} from: {reasons or 'it is the only column'}"
        )
    tail = label_tails.sentence(label.column) if label.task == "regression" and "transform" not in label.keys else ""
    offered = label_tails.offers(label.column) if tail else ()
    plan = training_choices.propose(
        known, label, chosen.entries, ready_made=found.ready_made, together=chosen.id is not None
    )
    head = [
        f"{name}: {_task(label)}, proposed from {where}:",
        f"{known.rows:,} rows{'' if found.whole else ' (the first ones; the data has more)'}, "
        f"{len(known.columns)} columns. "
        "Each choice has its reason next to it: review them, and edit what you know better.",
        "",
        f"  python runner.py --local --pipeline {name}",
    ]
    data = [*found.lines, *_unlabelled(label), divided.line or plan.split, *_by_time(chosen)]
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
        known,
        [
            f"Schema of {where}, inferred from {known.rows:,} rows: one feature per column, in the order of the data.",
            "Every run is validated against this file; edit it to accept a change in the data.",
        ],
        categories=categories,
        label=label.column.name,
    )
    said = (
        f"{where}: {found.what}, {known.rows:,}{'' if found.whole else '+'} rows, {len(known.columns)} columns",
        *found.said,
        *_said(own, label, chosen),
        *([tail] if tail else []),
        *_contradictions(found, table, label, chosen),
    )
    return Proposal(config_text.config(head, sections, chosen.entries), schema, said)


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


def _roles(known: Facts, table: pa.Table, label: LabelChoice) -> Roles:
    name = label.column.name
    chosen = role_choices.propose(
        known,
        name,
        twins=relations.twins(known, table, skip=name),
        leaks=relations.leaks(known, table, name, numeric=label.task == "regression"),
        orders=relations.orders(known, table, name),
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
            why = f"alternative: train on older rows, test on the newest; needs [columns] time = {column!r}"
            grows = f"alternative for a file that grows: read the newest week; needs [columns] time = {column!r}"
            return [
                Line("split", {"by": "time"}, why, active=False),
                Line("spans", {"by": "week"}, grows, active=False),
            ]
    return []


def _duties(chosen: Roles) -> list[Line]:
    lines = [Line("id", chosen.id[0], chosen.id[1])] if chosen.id else []
    return [*lines, *(Line(key, column, why, active=False) for key, column, why in chosen.hints)]


def _label(label: LabelChoice) -> list[Line]:
    lines = [Line("column", label.column.name, label.why_column), Line("task", label.task, label.why_task)]
    return [*lines, *(Line(key, value, label.why.get(key, "")) for key, value in label.keys.items())]


def _said(known: Facts, label: LabelChoice, chosen: Roles) -> list[str]:
    by_role: dict[str, list[Entry]] = {}
    for entry in chosen.entries:
        by_role.setdefault(entry.role, []).append(entry)
    lines = [
        f"label: {label.column.name} ({label.why_column})",
        f"task: {label.task} ({label.why_task})",
    ]
    for role, own in by_role.items():
        if role != "ignored":
            lines.append(
                f"{role}: {_names([' x '.join(entry.values.get('columns', [entry.column])) for entry in own])}"
            )
    reasons: dict[str, list[str]] = {}
    for entry in by_role.get("ignored", ()):
        reasons.setdefault(entry.why, []).append(entry.column)
    lines += chosen.said
    for why, names in reasons.items():
        lines.append(f"{_names(names)} {'is' if len(names) == 1 else 'are'} ignored: {why}")
    return lines


def _contradictions(found: Found, table: pa.Table, label: LabelChoice, chosen: Roles) -> list[str]:
    """Return a sentence on rows that are equal except for the label; image files are compared elsewhere."""
    if label.task not in CLASSED or found.pictures is not None or "threshold" in label.keys:
        return []
    # A column that is hinted to be an id would make equal rows differ.
    hinted = {column for key, column, _ in chosen.hints if key == "group"}
    used = [entry for entry in chosen.entries if entry.role != "ignored" and entry.column not in hinted]
    names = dict.fromkeys(name for entry in used for name in entry.values.get("columns", [entry.column]))
    part, whole, right = relations.contradictions(table, list(names), label.column.name)
    return [label_problems.contradicted(part, whole, right)] if part else []


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
