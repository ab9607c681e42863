"""Columns in the names of folders: alike for `new`, the checks before a run, a run and `schema diff`."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion import planning, sources
from components.ingestion.discovery import data_files, formats, hive_partitions
from components.ingestion.ingestion_settings import IngestionSettings
from curation import new_config, schema_review
from errors import UserError
from orchestration import preflight
from pipeline import load
from pipeline.variants import Name
from spec.data import Data

FOLDERS = ("year=2023/month=01", "year=2023/month=11", "year=2024/month=01")
PLACES = ("north", "south%20east")


@pytest.fixture(params=["csv", "parquet"])
def lake(request, tmp_path):
    """A repository with a folder of tables, a part for each month."""
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()
    for number, folder in enumerate(FOLDERS):
        path = tmp_path / "lake" / folder / f"place={PLACES[number % 2]}" / f"part-0.{request.param}"
        path.parent.mkdir(parents=True)
        x = np.random.default_rng(number).normal(size=60).round(3)
        table = {"x": x.tolist(), "y": ["yes" if value > 0 else "no" for value in x]}
        if request.param == "csv":
            path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(*table.values(), strict=True)))
        else:
            pq.write_table(pa.table(table), path)
    (tmp_path / "lake" / "_SUCCESS").touch()
    return tmp_path


def settings(**keys):
    return Data(path="not read", **keys)


def test_new_reads_them_and_a_run_reads_the_same(lake):
    proposal = new_config.new(str(lake), "made", str(lake / "lake"), label="y")
    reviewed = load.reviewed(str(lake), Name("made"))
    data = reviewed.config.data

    assert data.partitions == ("year", "month", "place")
    assert "year, month, place: columns from the names of folders, data.partitions" in proposal.findings
    assert reviewed.columns == {"x": "FLOAT", "y": "BYTES", "year": "INT", "month": "INT", "place": "BYTES"}
    assert schema_review.diff(schema_review.Choice(root=str(lake), name="made", data_root=str(lake))) == []
    paths = data_files.under(str(lake), data.path)
    preflight.check_data(paths, data, config="c", columns=reviewed.columns, label="y")
    plan = planning.plan(
        IngestionSettings.model_validate(
            {
                "paths": paths,
                "data": data.model_dump(mode="json"),
                "columns": reviewed.columns,
                "duties": {"id": None, "group": None, "time": None},
                "label": "y",
                "complete": [],
                "read": [],
                "notes": [],
            }
        )
    )
    batches = list(sources.batches([file.path for file in plan.files], data, plan.columns))
    rows = pa.Table.from_batches(batches).drop(["x", "y"]).to_pylist()
    assert rows[::60] == [
        {"year": 2023, "month": 1, "place": "north"},
        {"year": 2023, "month": 11, "place": "south east"},
        {"year": 2024, "month": 1, "place": "north"},
    ]
    assert len(rows) == 180


def test_a_pattern_and_a_part_of_the_folders(lake):
    ending = next((lake / "lake").rglob("part-0.*")).suffix
    data = new_config.read(str(lake / f"lake/year=2023/*/*/*{ending}"), str(lake))
    assert data.values["partitions"] == ["month", "place"]
    assert "partitions" not in new_config.read(str(next((lake / "lake").rglob("part-0.*"))), str(lake)).values


def test_a_value_may_be_missing_and_of_the_schemas_type(lake):
    for folder in list((lake / "lake").rglob("part-0.*")):
        folder.parent.rename(folder.parent.with_name("place=__HIVE_DEFAULT_PARTITION__"))
    path = str(next((lake / "lake").rglob("part-0.*")))
    [batch] = sources.batches(path, settings(partitions=["place", "year"]), {"year": "FLOAT", "place": "BYTES"})
    assert batch.column(2).null_count == len(batch)
    assert batch.column(3).to_pylist()[0] in (2023.0, 2024.0)
    assert sources.look(path, settings(partitions=["place"])) == ["x", "y", "place"]


@pytest.mark.parametrize(
    ("keys", "columns", "message"),
    [
        (
            ["day"],
            {},
            r"data\.partitions names 'day', and no folder above the file is named day=VALUE \(found: year=",
        ),
        (["x"], {}, r"the file itself has a column 'x': remove it from data\.partitions"),
        (["place"], {"place": "INT"}, r"the folder place=north is not INT, the type in the schema"),
    ],
)
def test_what_does_not_fit_is_named_with_the_file(lake, keys, columns, message):
    path = str(next((lake / "lake/year=2023/month=01").rglob("part-0.*")))
    with pytest.raises(UserError, match=rf"part-0\.\w+: {message}"):
        list(sources.batches(path, settings(partitions=keys), columns))


def test_another_value_is_other_data(lake):
    before = data_files.content(data_files.resolve(str(lake / "lake"), settings()))
    (lake / "lake/year=2024").rename(lake / "lake/year=2025")
    assert data_files.content(data_files.resolve(str(lake / "lake"), settings())) != before


def test_names_of_folders(tmp_path):
    assert hive_partitions.parts("a/b=1/c=x%3Dy/=z/d=/t=1.csv") == {"b": "1", "c": "x=y", "d": ""}
    assert hive_partitions.keys(["a=1/b=2/t.csv", "b=1/t.csv"]) == ["b"]
    for name in ("c=1", "c=2"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "a.png").touch()
    assert formats.format_of(str(tmp_path / "images")) == "images"
