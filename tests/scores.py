"""Runs the shipped pipelines, puts each beside a plain model on the same rows, and writes docs/scores.md.

    make scores

Ends with exit code 1 where a pipeline falls short of what its config's head states.
"""

import dataclasses
import functools
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

REPOSITORY = Path(__file__).parents[1]
REPORT = REPOSITORY / "docs" / "scores.md"
SALTS = ("", "a", "b")
"""Divisions of the rows over which a score is averaged, fixed before any was seen."""


@dataclasses.dataclass(frozen=True)
class Score:
    """One pipeline's result on its test split."""

    pipeline: str
    reached: str
    plain: str
    demand: str
    ok: bool
    seconds: float


def run(pipeline: str, root: Path, *arguments: str) -> tuple[dict[str, float], float]:
    """Run one pipeline from nothing; return its metrics and the seconds it took."""
    started = time.monotonic()
    command = [sys.executable, str(REPOSITORY / "runner.py"), "--local", "--pipeline", pipeline, "--root", str(root)]
    subprocess.run([*command, *arguments], check=True, timeout=1500)
    seconds = time.monotonic() - started
    verdicts = (root / pipeline / "artifacts" / "evaluator" / "evaluation").glob("*/verdict.json")
    return json.loads(next(verdicts).read_text())["metrics"], seconds


def houses(root: Path) -> Score:
    """Price, against ordinary least squares on the price."""
    model, seconds = run("houses", root)
    columns, price, split = sales("")
    train, test = split == "train", split == "test"
    assert model["example_count"] == test.sum(), "both must be measured on the same rows"
    plain = LinearRegression().fit(columns[train], price[train]).predict(columns[test])
    mae, r2 = float(mean_absolute_error(price[test], plain)), float(r2_score(price[test], plain))
    return Score(
        "houses",
        f"MAE {model['mae']:,.0f}, R² {model['r2']:.4f}",
        f"ordinary least squares: MAE {mae:,.0f}, R² {r2:.4f}",
        "R² 0.87, MAE a quarter below",
        model["r2"] >= 0.87 and model["mae"] <= 0.75 * mae,
        seconds,
    )


def house_tiers(root: Path) -> Score:
    """Thirds of the price, against multinomial logistic regression, over three divisions of the rows."""
    reached, plain, seconds = [], [], 0.0
    for number, salt in enumerate(SALTS):
        model, took = run("house_tiers", root / str(number), "--set", f'data.split.salt="{salt}"')
        columns, price, split = sales(salt)
        train, test = split == "train", split == "test"
        assert model["example_count"] == test.sum(), "both must be measured on the same rows"
        tier = np.digitize(price, np.quantile(price[train], [1 / 3, 2 / 3]))
        regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))
        plain.append(regression.fit(columns[train], tier[train]).score(columns[test], tier[test]))
        reached.append(model["accuracy"])
        seconds += took
    return Score(
        "house_tiers",
        f"accuracy {np.mean(reached):.4f} ({', '.join(f'{value:.4f}' for value in reached)})",
        f"logistic regression: accuracy {np.mean(plain):.4f} ({', '.join(f'{value:.4f}' for value in plain)})",
        "half a point above, mean of three salts",
        bool(np.mean(reached) >= np.mean(plain) + 0.005),
        seconds,
    )


def sales(salt: str) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Columns of the sales with one-hot zipcode, month and weekday; the price; and each row's split."""
    table = pd.read_csv(io.BytesIO(gzip.decompress((REPOSITORY / "data/houses.csv.gz").read_bytes())))
    date = pd.to_datetime(table["date"])
    columns = pd.get_dummies(
        table.drop(columns=["id", "price", "date"]).assign(
            days=(date - date.min()).dt.days, month=date.dt.month, weekday=date.dt.dayofweek
        ),
        columns=["zipcode", "waterfront", "month", "weekday"],
        drop_first=True,
    ).astype(float)
    return columns, table["price"], table["id"].map(functools.partial(_split_of, salt))


def _split_of(salt: str, house: int) -> str:
    """The rule of components/ingestion/split.py, written a second time to check it.

    SHA-256 of the column's tf.train.Feature: a bytes_list (field 1) with one value (field 1), each length-delimited.
    """
    text = str(house).encode()
    value = b"\x0a" + bytes([len(text)]) + text
    feature = b"\x0a" + bytes([len(value)]) + value
    bucket = int(hashlib.sha256(salt.encode() + feature).hexdigest(), 16) % 10
    return "train" if bucket < 8 else "eval" if bucket == 8 else "test"


def report(scores: list[Score]) -> str:
    """The table as Markdown."""
    lines = [
        "# Scores",
        "",
        f"Written by `make scores` on {time.strftime('%Y-%m-%d')}: each pipeline from nothing, on its test split,",
        "beside a plain model on the same rows and columns. Seeds and splits are those of the configs; figures in",
        "brackets are those of the salts that the mean is over.",
        "",
        "| pipeline | reached | plain model | must reach | holds | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for score in scores:
        holds = "yes" if score.ok else "**no**"
        cells = [score.pipeline, score.reached, score.plain, score.demand, holds, f"{score.seconds:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run everything."""
    with tempfile.TemporaryDirectory(prefix="scores-") as folder:
        scores = [houses(Path(folder)), house_tiers(Path(folder))]
    text = report(scores)
    REPORT.write_text(text)
    print(text)
    return 0 if all(score.ok for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
