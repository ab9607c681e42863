"""Checks before the first stage, without TensorFlow; all findings are reported at once."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import project
from components.engine import arguments, endpoints
from components.ingestion.discovery import data_files, formats
from components.ingestion.omissions import Omissions
from components.ingestion.rows import row_filter
from components.query.snapshot import Snapshot
from errors import GateError, PipelineError, ResourceError, UserError
from inspection.store import file_rights
from orchestration.paths import Root
from orchestration.preflight import further_rows, gate_check, installed, schema_check, user_imports
from orchestration.preflight.data_checks import MissingColumnError, check_data
from orchestration.preflight.disk import check_room, check_root, check_store
from orchestration.preflight.first_rows import Table
from orchestration.preflight.preflight_findings import Check, refuse
from orchestration.schedule import channels
from pipeline import load, query_config, schema_columns
from pipeline.beam_arguments import BEAM_ARGS
from pipeline.config import Config
from pipeline.variants import Name
from spec.rows import data_paths

__all__ = ["Check", "Report", "check_data", "check_room", "check_root", "check_store", "look"]


@dataclass
class Report:
    """Result of all checks.

    Attributes:
        checks: The checks, in order.
        reviewed: Config and schema, if they are valid.
        data: The data's paths under the data root.
        skew: Those of served rows; None where [gates] names none.
        predicted: Those of the rows that [inference] predicts; None without it.
        passed: Whether the checks of code and data were skipped, because an earlier run used the same.
        omissions: Data that will be skipped, dropped or converted: of all rows if they were read, else as
            far as the first rows show.
        query: The rows of [data] sql; None where it names paths.
    """

    checks: list[Check] = field(default_factory=list)
    reviewed: load.ReviewedConfig | None = None
    data: Any = None
    skew: Any = None
    predicted: Any = None
    passed: bool = False
    omissions: Omissions = field(default_factory=Omissions)
    query: Snapshot | None = None

    def settle(self) -> load.ReviewedConfig:
        """Return config and schema if nothing is wrong.

        Raises:
            UserError: config, data, schema or user code is invalid.
            ResourceError: the store, the disk or the environment cannot be used.
        """
        refuse(self.checks)
        assert self.reviewed is not None
        return self.reviewed


def look(
    name: Name | None,
    overrides: Iterable[str] = (),
    *,
    root: str,
    data_root: str | None = None,
    metadata: str | None = None,
    beam_args: Sequence[str] = BEAM_ARGS,
    passed: Callable[[load.ReviewedConfig], bool] = lambda _: False,
    rows: Literal["none", "first", "all"] = "first",
) -> Report:
    """Check everything that a run needs.

    Args:
        name: The run; None to check only the machine, the folder of runs and the store.
        overrides: `key=value` strings.
        root: Folder of all runs.
        data_root: Folder that data paths are relative to; None for the project.
        metadata: URL of the store; None for SQLite under the root.
        beam_args: Beam arguments of every stage.
        passed: Returns, given config and schema, whether an earlier run completed with the same code and data, so that
            they need no check.
        rows: Rows that are checked: "none" if the run does not read the data; "all" compares each with the schema, as
            the validation of a run does.

    Returns:
        The results.
    """
    report, root, size, folder = Report(), os.path.abspath(root), 0, project.folder()
    data_root = os.path.abspath(data_root or folder)

    def attempt(name: str, function: Any) -> Any:
        check = Check(name)
        report.checks.append(check)
        try:
            result = function()
            check.text = result if isinstance(result, str) else ""
            return result
        except PipelineError as error:
            check.findings.append(error)
        except PermissionError as error:
            check.findings.append(ResourceError(file_rights.refusal(str(error.filename or "."))))
        return None

    if name is not None:
        config_path = f"{load.CONFIGS}/{name.pipeline}.toml"
        chosen = (folder, name.pipeline, list(overrides), name.variant)
        config = attempt("config", lambda: load.load(*chosen))
        readable = config or load.without_faults(*chosen)
        report.checks[0].text = config_path
        if readable is not None and query_config.is_elsewhere(readable.data):
            remote_config, queries = readable, Root(root).queries(name.run)
            source = "bucket" if readable.data.sql is None else "query"
            readable, retrieved = attempt(source, lambda: query_config.settle(remote_config, data_root, queries)) or (
                None,
                None,
            )
            report.query = retrieved if isinstance(retrieved, Snapshot) else None
            report.checks[-1].text = retrieved.text if retrieved else ""
            config = (readable or config) if config is not None else None
        stem = load.schema_name(folder, name.pipeline, name.variant)
        schema = f"{load.SCHEMAS}/{stem}.pbtxt"
        schema_types = (
            attempt("schema", lambda: load.schema_columns(folder, stem)) if readable or _is_there(stem) else None
        )
        report.checks[-1].text = schema
        if config is not None and schema_types is not None:
            report.reviewed = attempt("columns", lambda: load.fitting(folder, name, config, stem, schema_types))
            report.checks[-1].text = "\n".join(
                [*schema_columns.unused(config, schema_types).lines(), *config.remarks(schema_types)]
            )
        if config is not None:
            if report.reviewed is not None and config.data.sql is None and passed(report.reviewed):
                report.checks += [Check("code", "as in the last run"), Check("data", "as in the last run")]
                report.passed = True
            else:
                attempt("code", lambda: _code(config))
            report.skew, report.predicted = further_rows.look(config, data_root, config_path, attempt)
        if config is not None and config.notify.channels:
            attempt("notify", lambda: _channels(config, config_path))
        if readable is not None:
            report.data = data_files.under(data_root, readable.data.paths)
        if readable is not None and rows != "none" and not report.passed:
            run = _Asked(name, readable, stem, schema_types or {}, data_root, root, metadata)
            size = _attempt_data(report, run, attempt, every_row=rows == "all")
    writable = attempt("root", lambda: check_root(root, name.run if name is not None else None))
    attempt("store", lambda: check_store(root, metadata))
    engine = arguments.parse(beam_args)
    if not engine.in_process:
        attempt("engine", lambda: endpoints.check(engine))
    if writable:
        attempt("disk", lambda: check_room(root, size))
    attempt("versions", lambda: installed.check_versions(os.path.join(project.REPOSITORY, "uv.lock")))
    return report


@dataclass(frozen=True)
class _Asked:
    """Inputs of the data checks: the run, its config, stem and columns of its schema, and its folders."""

    name: Name
    config: Config
    stem: str
    columns: dict[str, str]
    data_root: str
    root: str
    metadata: str | None


def _attempt_data(report: Report, run: _Asked, attempt: Callable[[str, Any], Any], *, every_row: bool) -> int:
    """Check the data, and its rows if it can be read; return its size in bytes."""
    size = attempt("data", lambda: _data(report, run)) or 0
    check, of_all_rows = report.checks[-1], Omissions()
    if every_row and report.reviewed is not None and not check.findings:
        attempt("rows", lambda: schema_check.check(run.config, run.name, run.stem, run.data_root, of_all_rows))
        report.omissions.extend(of_all_rows)
        errors = report.checks[-1].findings
        rejected = {
            str(finding["column"]) for error in errors if isinstance(error, GateError) for finding in error.findings
        }
        gates_run = gate_check.Run(
            name=run.name,
            config=run.config,
            columns=run.columns,
            schema=os.path.join(project.folder(), load.SCHEMAS, f"{run.stem}.pbtxt"),
            paths=report.data,
            skew=report.skew,
            root=run.root,
            metadata=run.metadata,
        )
        attempt("gates", lambda: gate_check.check(gates_run, rejected))
    lines = [f"{len(data_paths.flat(report.data))} path(s), {size:,} bytes of data", *report.omissions.lines()]
    check.text = "\n".join(lines)
    return size


def _data(report: Report, run: _Asked) -> int:
    config, columns = run.config, run.columns
    try:
        return check_data(
            report.data,
            config.data,
            config=f"{load.CONFIGS}/{run.name.pipeline}.toml",
            columns=columns,
            label=config.label.column,
            table=_table(config, columns, run.stem) if report.reviewed is not None else None,
            omissions=report.omissions,
            model_columns=config.watched(columns)["used"],
        )
    except MissingColumnError as error:
        raise schema_check.beside(error, config, run.name, run.stem, run.data_root) from error


def _channels(config: Config, config_path: str) -> str:
    try:
        channels.check(config.notify.channels)
    except UserError as error:
        raise UserError(f"{config_path}: {error}") from error
    return ", ".join(config.notify.channels)


def _is_there(stem: str) -> bool:
    return os.path.isfile(os.path.join(project.folder(), load.SCHEMAS, f"{stem}.pbtxt"))


def _code(config: Config) -> str:
    modules = config.user_modules()
    if config.data.format is not None:
        modules.append(formats.module(config.data.format))
    modules += config.stages.modules()
    findings = user_imports.check(modules)
    if findings:
        raise UserError("\n".join(findings))
    # The roles of models/features are as good as known; a user's own are not.
    return ", ".join([*user_imports.OURS, *(name for name in modules if not name.startswith("models.features."))])


def _table(config: Config, schema_types: dict[str, str], stem: str) -> Table:
    label = config.label
    features = {feature.name: feature for feature in schema_columns.schema(project.folder(), stem).feature}
    return Table(
        columns=schema_types,
        schema=f"{load.SCHEMAS}/{stem}.pbtxt",
        label=label,
        weight=config.columns.weight,
        feature=features.get(label.column) if label.column else None,
        keeper=row_filter.Keeper(
            exclude=config.data.exclude, complete=config.features.complete(), label=label.required
        ),
        max_null_label=config.data.max_null_label,
        split=config.data.split,
        splits=1 if config.data.split.by == "all" else 3,
        classes=config.gates.label.action == "block" and config.gates.label.min_count > 0 and not config.data.sample,
    )
