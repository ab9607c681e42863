"""The config of the benchmarks' table, which the code that writes it does not check."""

import csv

import tomli

from benchmarks import bench_tables
from pipeline.config import Config


def test_the_config_is_valid_and_its_columns_are_in_the_table(tmp_path):
    bench_tables.write(tmp_path / "table.csv", 20)
    config = Config.model_validate(tomli.loads(bench_tables.CONFIG.format(path=tmp_path / "table.csv")))

    with (tmp_path / "table.csv").open() as file:
        columns, *rows = list(csv.reader(file))
    assert len(rows) == 20
    assert {*config.features.columns(), config.label.column, "id"} == set(columns)
