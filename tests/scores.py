"""Runs the shipped pipelines, puts each beside a plain model on the same rows, and writes docs/scores.md.

    make scores

Ends with exit code 1 where a pipeline falls short of what its config's head states.
"""

import dataclasses
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score

REPOSITORY = Path(__file__).parents[1]
REPORT = REPOSITORY / "docs" / "scores.md"
MIN_R2 = 0.87
MIN_GAIN = 0.25
"""Share by which the mean absolute error must lie below least squares'."""


@dataclasses.dataclass(frozen=True)
class Score:
    """One pipeline's result on its test split."""

    pipeline: str
    seconds: float
    rows: int
    model: dict[str, float]
    plain: dict[str, float]
    plain_name: str
    ok: bool
    demand: str


def run(pipeline: str, root: Path) -> tuple[dict, float]:
    """Run one pipeline from nothing; return its verdict and the seconds it took."""
    started = time.monotonic()
    command = [sys.executable, str(REPOSITORY / "runner.py"), "--local", "--pipeline", pipeline, "--root", str(root)]
    subprocess.run(command, check=True, timeout=1500)
    seconds = time.monotonic() - started
    verdicts = (root / pipeline / "artifacts" / "evaluator" / "evaluation").glob("*/verdict.json")
    return json.loads(next(verdicts).read_text()), seconds


def houses(root: Path) -> Score:
    """Price, against ordinary least squares on the price with one-hot zipcode, month and weekday."""
    verdict, seconds = run("houses", root)
    table = pd.read_csv(io.BytesIO(gzip.decompress((REPOSITORY / "data/houses.csv.gz").read_bytes())))
    split = table["id"].map(_split_of)
    date = pd.to_datetime(table["date"])
    columns = pd.get_dummies(
        table.drop(columns=["id", "price", "date"]).assign(
            days=(date - date.min()).dt.days, month=date.dt.month, weekday=date.dt.dayofweek
        ),
        columns=["zipcode", "waterfront", "month", "weekday"],
        drop_first=True,
    ).astype(float)
    train, test = split == "train", split == "test"
    plain = LinearRegression().fit(columns[train], table["price"][train]).predict(columns[test])
    price = table["price"][test]
    rows = int(verdict["metrics"]["example_count"])
    assert rows == int(test.sum()), "both must be measured on the same rows"
    other = {"mae": float(mean_absolute_error(price, plain)), "r2": float(r2_score(price, plain))}
    model = verdict["metrics"]
    ok = model["r2"] >= MIN_R2 and model["mae"] <= (1 - MIN_GAIN) * other["mae"]
    demand = f"R² >= {MIN_R2}, MAE at least {MIN_GAIN:.0%} below least squares"
    return Score("houses", seconds, rows, model, other, "ordinary least squares", ok, demand)


def _split_of(house: int) -> str:
    """The rule of components/ingestion/split.py, written a second time to check it.

    SHA-256 of the column's tf.train.Feature: a bytes_list (field 1) with one value (field 1), each length-delimited.
    """
    text = str(house).encode()
    value = b"\x0a" + bytes([len(text)]) + text
    feature = b"\x0a" + bytes([len(value)]) + value
    bucket = int(hashlib.sha256(feature).hexdigest(), 16) % 10
    return "train" if bucket < 8 else "eval" if bucket == 8 else "test"


def report(scores: list[Score]) -> str:
    """The table as Markdown."""
    lines = [
        "# Scores",
        "",
        f"Written by `make scores` on {time.strftime('%Y-%m-%d')}: each pipeline from nothing, on its test split,",
        "beside a plain model on the same rows and columns. Seeds and splits are those of the configs.",
        "",
        "| pipeline | test rows | MAE | R² | plain model | its MAE | its R² | must reach | holds | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for score in scores:
        lines.append(
            f"| {score.pipeline} | {score.rows:,} | {score.model['mae']:,.0f} | {score.model['r2']:.4f} "
            f"| {score.plain_name} | {score.plain['mae']:,.0f} | {score.plain['r2']:.4f} | {score.demand} "
            f"| {'yes' if score.ok else '**no**'} | {score.seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run everything."""
    with tempfile.TemporaryDirectory(prefix="scores-") as folder:
        scores = [houses(Path(folder))]
    text = report(scores)
    REPORT.write_text(text)
    print(text)
    return 0 if all(score.ok for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
