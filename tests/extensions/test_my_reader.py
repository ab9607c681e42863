"""A reader of the user's, in a project folder outside the repository."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import project
from components.fingerprints import code_digest
from components.ingestion.discovery import formats
from errors import UserError
from pipeline.config import Config

ROWS = "@relation weather\n@attribute place string\n@attribute rain numeric\n@attribute days integer\n@data\n"
COLUMNS = {"place": "BYTES", "rain": "FLOAT", "days": "INT"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project folder with the reader and a file of its format."""
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    shutil.copy(Path(__file__).with_name("my_reader.py"), tmp_path)
    rows = [f"town{number % 7},{number / 4},{'?' if number == 3 else number}" for number in range(200)]
    (tmp_path / "weather.arff").write_text(ROWS + "\n".join(rows) + "\n")
    yield tmp_path
    for name in ("my_reader", "half"):
        sys.modules.pop(name, None)


def config(**data):
    sections = {"features": {"numeric": [{"column": "rain"}]}, "label": {"column": "days"}}
    return Config.model_validate({"data": {"path": "weather.arff", **data}, **sections})


def test_ingestion_reads_the_rows(folder, beam_pipeline):
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from components.ingestion.component import ingestion
    from components.ingestion.executor import Executor
    from spec.columns.duties import Duties

    node = ingestion(
        paths="weather.arff",
        data=config(format="my_reader").data,
        columns=COLUMNS,
        duties=Duties(),
        label="days",
        complete=(),
        content="",
    )
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=beam_pipeline)
    Executor(context).Do({}, {"examples": [examples]}, node.exec_properties)

    assert sum(json.loads(examples.get_string_custom_property("rows")).values()) == 199
    assert json.loads(examples.get_string_custom_property("left_out")) == {"blank label": 1}
    modules = code_digest.of_parameters(node.exec_properties)["modules"]
    assert "my_reader" in modules
    digest = code_digest.code(*modules)
    with open(folder / "my_reader.py", "a") as file:
        file.write("# an edit\n")
    assert code_digest.code(*modules) != digest


def test_preflight_reads_its_rows_and_code(folder):
    from orchestration import preflight
    from orchestration.local import resume

    parsed = config(format="my_reader")
    paths, keys = str(folder / "weather.arff"), {"config": "c", "columns": list(COLUMNS), "label": "days"}
    assert preflight.check_data(paths, parsed.data, **keys) > 0
    (folder / "weather.arff").write_text(ROWS)
    with pytest.raises(UserError, match="holds no rows: write them below the line @data"):
        preflight.check_data(paths, parsed.data, **keys)
    assert "my_reader" in resume.code_modules(parsed)
    assert "my_reader" in preflight._code(parsed)


def test_a_cell_that_does_not_fit_is_named_with_its_line(folder):
    from components.ingestion import sources

    (folder / "weather.arff").write_text(ROWS + "a,1,2\nb,wet,3\n")
    with pytest.raises(UserError, match=r"weather\.arff, line 7: column 'rain': 'wet' is not a number"):
        list(sources.batches(str(folder / "weather.arff"), config(format="my_reader").data, COLUMNS))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"format": "parqet"}, r"'parqet' is not one of csv, idx, .*Did you mean 'parquet'\?.*no file parqet\.py in /"),
        ({"format": "half"}, r"half\.py defines no 'types': a reader defines FORMAT, batches, types, look"),
        ({"format": "broken"}, r"broken does not import: ZeroDivisionError: .*\(broken\.py, line 1\)"),
        ({"format": "my_reader", "csv": {"delimiter": ";"}}, r"data\.csv has no effect with format = 'my_reader'"),
        ({"format": "jsonl", "csv": {"delimiter": ";"}}, r"data\.csv\.delimiter has no effect with format 'jsonl'"),
        ({"path": "a.xlsx", "csv": {"comment": "#"}}, r"data\.csv\.comment has no effect with format 'xlsx'"),
        ({"format": "csv", "sheet": "a"}, r"data\.sheet has no effect with format = 'csv': remove it"),
        ({"format": "idx", "drop": ["a"]}, r"data\.drop has no effect with format = 'idx'"),
        ({"format": "parquet", "image": {"height": 2, "width": 2}}, r"data\.image has no effect"),
        ({"format": "images", "partitions": ["a"]}, r"data\.partitions has no effect"),
    ],
)
def test_a_format_that_cannot_be_read_is_rejected_with_the_config(folder, data, message):
    (folder / "half.py").write_text("FORMAT = batches = None\n")
    (folder / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ValidationError, match=rf"(?s){message}"):
        config(**data)


def test_a_reader_in_the_package_is_found_by_its_file_name(folder, monkeypatch):
    """A reader of the repository is one file: its name is the format, and it declares its extensions."""
    from components.ingestion import readers

    (folder / "more").mkdir()
    text = (folder / "my_reader.py").read_text().replace("Format()", 'Format(extensions=(".arff",))')
    (folder / "more" / "arff.py").write_text(text)
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(folder / "more")])
    formats.names.cache_clear()
    formats.known.cache_clear()
    try:
        assert formats.format_of("data/weather.arff.gz") == "arff"
        assert config(format="arff").data.format == "arff"
        assert f"{readers.__name__}.arff" in formats.modules(None)
    finally:
        sys.modules.pop(f"{readers.__name__}.arff", None)
        formats.names.cache_clear()
        formats.known.cache_clear()
