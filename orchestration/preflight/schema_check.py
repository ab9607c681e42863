"""Comparison of the data with the approved schema before a run, as its validation does it."""

import shlex

import project
from components.ingestion.omissions import Omissions
from curation import schema_review
from curation.schema_differences import Difference
from errors import GateError, PipelineError, UserError
from orchestration.projects import project_selection
from pipeline.config import Config
from pipeline.load import CONFIGS, SCHEMAS
from pipeline.variants import Name


def beside(error: UserError, config: Config, name: Name, stem: str, data_root: str) -> UserError:
    """Add to the error of a missing column all other differences, and the commands that accept them.

    Args:
        error: The error of the data check; its lines name each file and column.
        config: The config; a query is settled.
        name: The run.
        stem: Stem of the schema's file.
        data_root: Folder that data paths are relative to.

    Returns:
        The error with more lines; the same error if the data cannot be compared.
    """
    try:
        differences = schema_review.compare(config, project.folder(), stem, data_root)
    except PipelineError:
        return error
    message = str(error)
    lines = [_line(difference, stem) for difference in differences if difference.stops and _adds(difference, message)]
    if not differences:
        return error
    return UserError("\n".join([str(error), *lines, accepting(name, columns=True)]))


def _adds(difference: Difference, message: str) -> bool:
    """Return whether a difference adds information to the error of the data check."""
    return "->" in difference.text or difference.rank == 3 or repr(difference.column) not in message


def check(config: Config, name: Name, stem: str, data_root: str, omissions: Omissions | None = None) -> str:
    """Compare all rows with the approved schema, as the validation of a run does.

    Args:
        config: The config; a query is settled.
        name: The run.
        stem: Stem of the schema's file.
        data_root: Folder that data paths are relative to.
        omissions: Records skipped, dropped and converted parts of the data.

    Returns:
        A sentence if the data matches.

    Raises:
        GateError: the data differs from the schema; names the commands that accept it.
        UserError: the data cannot be read.
    """
    differences = schema_review.compare(config, project.folder(), stem, data_root, omissions)
    lines = [_line(difference, stem) for difference in differences if difference.stops]
    if lines:
        text = "\n".join(
            [*lines, accepting(name, columns=any(difference.rank in (0, 3) for difference in differences))]
        )
        raise GateError(text, [{"column": difference.column} for difference in differences if difference.stops])
    return "\n".join([f"the data matches {SCHEMAS}/{stem}.pbtxt", *(difference.text for difference in differences)])


def _line(difference: Difference, stem: str) -> str:
    return f"{SCHEMAS}/{stem}.pbtxt: column {difference.column!r}: {difference.text}"


def accepting(name: Name, *, columns: bool) -> str:
    """Return how data that differs from the schema is accepted.

    Args:
        name: The run.
        columns: Whether columns are missing or new, so that the config may need an edit first.
    """
    parts = [*project_selection.shown_flag(), *(["--variant", name.variant] if name.variant else [])]
    edit = f"edit the columns in {CONFIGS}/{name.pipeline}.toml, then " if columns else ""
    infer, approve = (
        shlex.join(["python", "runner.py", "schema", step, name.pipeline, *parts]) for step in ("infer", "approve")
    )
    return f"Fix the data; or, to accept it, {edit}`{infer}`, review the proposal, and `{approve}`"
