"""Executor of the tuner: runs the search and writes its artifacts."""

import json
import os
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

import printing
from components import example_passes, summary
from components.fingerprints import code_digest
from components.tuner import trial_plot, trial_pool, trial_tables, trials
from components.tuner.trials import Trial
from components.tuner.tuner_settings import TunerSettings
from errors import UserError
from models import file_reads, network_files, progress
from models.training.training_config import TrialOrder
from spec import settings
from spec.file_names import BEST, TRIALS_CSV, TRIALS_JSONL, TRIALS_MARKDOWN, TRIALS_SVG
from spec.tuning import Tuning

RESULTS = "tuner_results.json"
"""One record per successful trial, best first, in the format of TFX's Tuner."""
FILES = (TRIALS_JSONL, TRIALS_MARKDOWN, TRIALS_CSV, TRIALS_SVG)
"""Further files next to the results; they are copied into the run's folder."""


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor that trains trials in separate processes."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Run the search; write the best values and the tables of trials.

        Raises:
            UserError: All trials failed, or the settings allow too few trials for the method.
        """
        # keras-tuner takes seconds to import, and building the pipeline imports this module.
        from components.tuner import search

        config = TunerSettings.model_validate(settings.unpack(json.loads(exec_properties["settings"])))
        tuner = config.tuner
        graph = artifact_utils.get_single_uri(input_dict["transform_graph"])
        splits = {
            name: [file for examples in input_dict["examples"] for file in example_passes.files(examples, name)]
            for name in ("train", "eval")
        }
        paths = {name: [file.path for file in files] for name, files in splits.items()}
        order = TrialOrder(
            train_files=paths["train"],
            eval_files=paths["eval"],
            rows={file.path: file.rows for files in splits.values() for file in files},
            transform_output=graph,
            features=config.features,
            label=config.label,
            edges=network_files.reads_edges(config.network_name),
            ignored_folders=file_reads.ignored_folders(),
        )
        decides = {"data": trials.content(paths, graph), "code": exec_properties["code"], **config.shared()}
        store = trials.Store(exec_properties["trials"], decides, anew=bool(exec_properties["anew"]))

        def report(history: list[Trial]) -> None:
            printing.line(str(history[-1].line(best=False)))
            progress.tell(_so_far(history, tuner))

        processes = trial_pool.size(tuner.parallel, tuner.trials)
        with trial_pool.Pool(order, processes) as train:
            try:
                history, oracle = search.search(tuner, config.sections(), train=train, store=store, report=report)
            except ValueError as error:
                raise UserError(str(error)) from error
        for trial in history:
            file_reads.add(trial.result.reads)
        best = trials.best(history, tuner)
        if best is None:
            raise UserError(_all_failed(history))
        values = {} if best.number == 0 else best.values
        self._write(output_dict, history, best, oracle.hyperparameters(values), tuner)
        best_hyperparameters = artifact_utils.get_single_instance(output_dict["best_hyperparameters"])
        summary.put(best_hyperparameters, _summary(history, best, tuner))

    def _write(
        self,
        output_dict: dict[str, Any],
        history: list[Trial],
        best: Trial,
        hyperparameters: dict[str, Any],
        tuner: Tuning,
    ) -> None:
        best_folder = artifact_utils.get_single_uri(output_dict["best_hyperparameters"])
        results = artifact_utils.get_single_uri(output_dict["tuner_results"])
        down = tuner.direction == "max"
        scored_trials = sorted(
            (trial for trial in history if trial.score is not None),
            key=lambda trial: trial.score or 0.0,
            reverse=down,
        )
        records = [{"trial_id": str(trial.number), "score": trial.score, **trial.values} for trial in scored_trials]
        texts = (trial_tables.jsonl, trial_tables.markdown, trial_tables.comma_separated)
        files = {
            os.path.join(best_folder, BEST): json.dumps(hyperparameters),
            os.path.join(results, RESULTS): json.dumps(records),
            **{os.path.join(results, name): text(history, best) for name, text in zip(FILES, texts, strict=False)},
            os.path.join(results, TRIALS_SVG): trial_plot.draw(history, best, tuner),
        }
        for path, text in files.items():
            fileio.makedirs(os.path.dirname(path))
            with fileio.open(path, "w") as file:
                file.write(text)


def _so_far(history: list[Trial], tuner: Tuning) -> str:
    best = trials.best(history, tuner)
    best_so_far = f", best {tuner.objective} {best.score:.4g}" if best else ""
    return f"{len(history)} of {tuner.trials} trials{best_so_far}"


def _summary(history: list[Trial], best: Trial, tuner: Tuning) -> str:
    name, failed = f"eval {tuner.objective}", sum(trial.score is None for trial in history)
    score = history[0].score
    if best.number == 0:
        text = f"the config's own values are the best of {len(history)} trials: {name} {best.score:.4g}"
    else:
        config_score = f"{score:.4g}" if score is not None else "failed"
        text = (
            f"trial {best.number} of {len(history)} is the best: {name} {best.score:.4g} "
            f"(the config's own: {config_score})"
        )
    return f"{text}; {failed} failed" if failed else text


def _all_failed(history: list[Trial]) -> str:
    reasons = list(dict.fromkeys(trial.result.failure or "its objective is not a number" for trial in history))
    lines = "".join(f"\n  {reason}" for reason in reasons[:3])
    return f"tuner: all {len(history)} trials failed, so there are no best values:{lines}"
