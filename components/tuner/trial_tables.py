"""Tables of the trials as JSON lines, Markdown and CSV."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from components.tuner.trials import LOSS, Trial
from printing import visible


def jsonl(trials: Sequence[Trial], best: Trial) -> str:
    """Return one line of JSON per trial."""
    return "".join(json.dumps(trial.line(best=trial is best)) + "\n" for trial in trials)


def markdown(trials: Sequence[Trial], best: Trial) -> str:
    """Return a Markdown table with the best trial in bold."""
    head, *rows = _cells(trials, best)
    lines = [head, ["---"] * len(head)]
    for trial, row in zip(trials, rows, strict=True):
        lines.append([f"**{cell}**" if trial is best and cell else cell for cell in row])
    return "".join("| " + " | ".join(visible(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def comma_separated(trials: Sequence[Trial], best: Trial) -> str:
    """Return the table as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_cells(trials, best))
    return text.getvalue()


def value_text(value: Any) -> str:
    """Format a value as in TOML, but strings without quotes."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def _cells(trials: Sequence[Trial], best: Trial) -> list[list[str]]:
    """Return the header and the rows of the table."""
    keys = list(trials[0].values)
    metrics = [name for name in best.result.metrics if name != LOSS]
    rows = [["trial", *keys, "eval loss", *(f"eval {name}" for name in metrics), "epochs", "seconds", ""]]
    for trial in trials:
        result = trial.result
        notes = ["the config's own values"] if trial.number == 0 else []
        notes += ["best"] if trial is best else []
        notes += [f"failed: {result.failure or 'the objective is not a number'}"] if trial.score is None else []
        rows.append(
            [
                str(trial.number),
                *(value_text(trial.values[key]) for key in keys),
                *(f"{result.metrics[name]:.5g}" if name in result.metrics else "" for name in (LOSS, *metrics)),
                f"{result.best_epoch} of {result.epochs}" if result.epochs else "",
                f"{result.seconds:.1f}",
                ", ".join(notes),
            ]
        )
    return rows
