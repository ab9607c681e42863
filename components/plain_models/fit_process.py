"""The process that fits the plain models: `python -m components.plain_models.fit_process FOLDER`.

It reads settings.json, train.arrow and predicted.arrow of the folder, and writes NAME.npy and facts.json after each
model, so that a time limit loses only the model in progress. It runs one thread: on a busy machine the threads of
boosted trees wait for each other, which takes many times as long.
"""

import ctypes
import json
import os
import signal
import sys
import warnings
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from components import freed_memory
from components.plain_models import encoding, label_targets
from components.plain_models.plain_settings import FACTS, PREDICTED, SETTINGS, TRAIN, PlainSettings
from models.data import arrow
from spec.artifacts import atomic_files
from spec.plain_models import LINEAR, PLAIN_MODELS

ITERATIONS = 300
"""Largest number of steps of logistic regression."""
_PR_SET_PDEATHSIG = 1


def main(folder: str) -> None:
    """Fit each plain model on the train rows, and predict the others."""
    warnings.simplefilter("ignore")
    with open(os.path.join(folder, SETTINGS), encoding="utf-8") as file:
        config = PlainSettings.model_validate_json(file.read())
    train, predicted = (_table(os.path.join(folder, name)) for name in (TRAIN, PREDICTED))
    cells, names = train.column(str(config.label.column)), list[str]()
    if config.label.kind == "regression":
        target = label_targets.number(cells, config.label)
        has_label = ~np.isnan(target)
    else:
        target, names = label_targets.classes(cells, config.label)
        has_label = target >= 0
    facts: dict[str, Any] = {"rows": int(has_label.sum()), "columns": 0, "fitted": {}, "failed": {}}
    if names and len(np.unique(target[has_label])) < 2:
        facts["note"] = "the train split has fewer than two classes"
    elif not has_label.any():
        facts["note"] = "no row of the train split has a label"
    else:
        if not has_label.all():
            train, target = train.filter(pa.array(has_label)), target[has_label]
        encoded = encoding.columns(train, predicted, config.kinds)
        facts["columns"] = len(encoded)
        if encoded:
            weight = encoding.numbers(train.column(config.weight)) if config.weight else None
            # The fits take the longest, beside a training that needs the memory.
            del cells, train, predicted
            for name in PLAIN_MODELS:
                freed_memory.release()
                try:
                    answer, classes = _answer(name, encoded, target, weight, config)
                    np.save(os.path.join(folder, f"{name}.npy"), answer.astype(np.float32))
                    facts["fitted"][name] = [names[index] for index in classes]
                except Exception as error:
                    facts["failed"][name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
                _write(folder, facts)
        else:
            facts["note"] = "no column has two or more values in the train split"
    _write(folder, facts)


def _table(path: str) -> pa.Table:
    with pa.memory_map(path) as file, arrow.stream_reader(file) as stream:
        return stream.read_all()


def _write(folder: str, facts: dict[str, Any]) -> None:
    atomic_files.write(os.path.join(folder, FACTS), json.dumps(facts))


def _answer(
    name: str, encoded: list[encoding.Column], target: Any, weight: Any, config: PlainSettings
) -> tuple[Any, list[int]]:
    """Fit one model; return its predictions and, of probabilities, the class index of each column.

    Boosted trees, the last model, empty `encoded`, whose memory their long fit does not need.
    """
    is_number = config.label.kind == "regression"
    if name == LINEAR:
        train, predicted = encoding.for_linear(encoded)
        model = Ridge() if is_number else LogisticRegression(max_iter=ITERATIONS)
        model.fit(train, target, sample_weight=weight)
    else:
        train, predicted, categorical = encoding.for_trees(encoded)
        encoded.clear()
        model = _trees(is_number, categorical, train, target, weight)
    if not is_number:
        return model.predict_proba(predicted), [int(index) for index in model.classes_]
    _, inverse = label_targets.TRANSFORMS[config.label.transform]
    return inverse(model.predict(predicted)), []


def _trees(is_number: bool, categorical: list[bool], train: Any, target: Any, weight: Any) -> Any:
    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    try:
        return kind(categorical_features=categorical, random_state=0).fit(train, target, sample_weight=weight)
    except ValueError:
        # A class with one row cannot be in both parts of the split for early stopping.
        model = kind(categorical_features=categorical, random_state=0, early_stopping=False)
        return model.fit(train, target, sample_weight=weight)


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    main(sys.argv[1])
