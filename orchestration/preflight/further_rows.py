"""Rows besides the data that a run reads: served rows of [gates] skew, and those that [inference] predicts."""

from collections.abc import Callable
from typing import Any

from components.inference import input_rows
from components.ingestion.discovery import data_files
from errors import UserError
from orchestration.preflight.data_checks import check_data
from pipeline.config import Config


def look(
    config: Config, data_root: str, config_path: str, attempt: Callable[[str, Callable[[], str]], Any]
) -> tuple[Any, Any]:
    """Check the rows that the config names.

    Args:
        config: The config.
        data_root: Folder that data paths are relative to.
        config_path: Path of the config, for messages.
        attempt: Runs a check by its title.

    Returns:
        Paths of the served rows, and of the rows to predict; None for those that the config does not name.
    """
    skew = predicted = None
    if config.gates.skew.path is not None:
        skew = data_files.under(data_root, config.gates.skew.path)
        attempt("served rows", lambda: check_served(skew, config, config_path))
    if config.inference is not None:
        predicted = data_files.under(data_root, config.inference.path)
        attempt("rows to predict", lambda: check_predicted(predicted, config, config_path))
    return skew, predicted


def check_served(paths: Any, config: Config, config_path: str) -> str:
    """Check that the served rows of gates.skew can be read.

    Args:
        paths: Their paths on this machine.
        config: The config.
        config_path: Path of the config, for messages.

    Returns:
        Their size.

    Raises:
        UserError: they cannot.
    """
    try:
        files = data_files.resolve(paths, config.data.model_copy(update={"span": None, "window": None}))
    except UserError as error:
        raise UserError(f"{config_path}: gates.skew.path: {str(error).removeprefix('data.path: ')}") from error
    data = config.data.model_copy(update={"spans": None})
    return f"{check_data(paths, data, config=config_path, columns=(), label=None):,} bytes in {len(files)} file(s)"


def check_predicted(paths: Any, config: Config, config_path: str) -> str:
    """Check that the rows of [inference] can be read, and have the columns that the model reads.

    Args:
        paths: Their paths on this machine.
        config: The config, with [inference].
        config_path: Path of the config, for messages.

    Returns:
        Their size.

    Raises:
        UserError: they cannot.
    """
    assert config.inference is not None
    data = input_rows.settings(config.data, paths, config.inference.format)
    label = {config.label.column, config.columns.weight}
    columns = [name for name in config.features.columns() if name not in label]
    try:
        files = data_files.resolve(paths, data)
    except UserError as error:
        raise UserError(f"{config_path}: inference.path: {str(error).removeprefix('data.path: ')}") from error
    return f"{check_data(paths, data, config=config_path, columns=columns, label=None):,} bytes in {len(files)} file(s)"
