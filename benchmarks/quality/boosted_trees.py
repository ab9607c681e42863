"""Boosted trees with defaults.

Runs with the packages of the group `quality` only: `python -m benchmarks.quality.boosted_trees FOLDER` reads rows.npz
of the folder, and writes the predictions of each library as NAME.npy and their processor time to trees.json.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TREES = ("HistGradientBoosting", "LightGBM", "XGBoost", "CatBoost")
THREADS = 1
"""More threads do not change what is learned, and wait for each other on a busy machine."""


def main(folder: Path) -> None:
    """Fit each library on the train rows, and predict the test rows."""
    warnings.simplefilter("ignore")
    rows = np.load(folder / "rows.npz", allow_pickle=False)
    seconds = {}
    for name in TREES:
        started = time.process_time()
        answer = FITS[name](rows["train"], rows["test"], rows["target"], rows["categories"], bool(rows["is_number"]))
        seconds[name] = time.process_time() - started
        np.save(folder / f"{name}.npy", np.asarray(answer, np.float64))
    (folder / "trees.json").write_text(json.dumps(seconds))


def _frames(train: Any, test: Any, categories: Any) -> tuple[Any, Any]:
    """Return both matrices as data frames, with categories of the type category."""
    import pandas as pd

    frames = []
    for matrix in (train, test):
        frame = pd.DataFrame(matrix, columns=[f"c{number}" for number in range(matrix.shape[1])])
        for number in np.flatnonzero(categories):
            values = np.unique(np.concatenate([train[:, number], test[:, number]]))
            categories_seen = values[~np.isnan(values)]
            # XGBoost refuses categories that are floating-point numbers.
            cells = pd.array(matrix[:, number], dtype="Int64")
            frame[f"c{number}"] = pd.Categorical(cells, categories=categories_seen.astype(int))
        frames.append(frame)
    return frames[0], frames[1]


def _answer(model: Any, test: Any, is_number: bool) -> Any:
    return model.predict(test) if is_number else model.predict_proba(test)


def _hist(train: Any, test: Any, target: Any, categories: Any, is_number: bool) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    model = kind(categorical_features=categories, random_state=0)
    return _answer(model.fit(train, target), test, is_number)


def _lightgbm(train: Any, test: Any, target: Any, categories: Any, is_number: bool) -> Any:
    import lightgbm

    train, test = _frames(train, test, categories)
    kind = lightgbm.LGBMRegressor if is_number else lightgbm.LGBMClassifier
    model = kind(n_jobs=THREADS, verbose=-1, random_state=0)
    return _answer(model.fit(train, target), test, is_number)


def _xgboost(train: Any, test: Any, target: Any, categories: Any, is_number: bool) -> Any:
    import xgboost

    train, test = _frames(train, test, categories)
    kind = xgboost.XGBRegressor if is_number else xgboost.XGBClassifier
    model = kind(n_jobs=THREADS, enable_categorical=True, random_state=0)
    return _answer(model.fit(train, target), test, is_number)


def _catboost(train: Any, test: Any, target: Any, categories: Any, is_number: bool) -> Any:
    import catboost
    import pandas as pd

    def frame(matrix: Any) -> Any:
        """Return numbers as such and categories as text, of which a null is one."""
        columns = {}
        for number, is_category in enumerate(categories):
            cells = matrix[:, number]
            columns[f"c{number}"] = np.nan_to_num(cells, nan=-1).astype(int).astype(str) if is_category else cells
        return pd.DataFrame(columns)

    kind = catboost.CatBoostRegressor if is_number else catboost.CatBoostClassifier
    model = kind(
        thread_count=THREADS,
        verbose=0,
        random_seed=0,
        allow_writing_files=False,
        cat_features=[int(number) for number in np.flatnonzero(categories)],
    )
    return _answer(model.fit(frame(train), target), frame(test), is_number)


FITS: dict[str, Callable[..., Any]] = {
    "HistGradientBoosting": _hist,
    "LightGBM": _lightgbm,
    "XGBoost": _xgboost,
    "CatBoost": _catboost,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
