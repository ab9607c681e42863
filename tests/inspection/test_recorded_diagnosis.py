"""diagnosis.json as the report reads it."""

import json

import pytest

from errors import ResourceError
from inspection.read.recorded_diagnosis import ColumnImportance, Diagnosis, read_diagnosis


def test_importance_and_predictions_have_their_types(tmp_path):
    assert read_diagnosis(str(tmp_path)) == Diagnosis()
    content = {
        "metric": "mae",
        "rows": 500,
        "note": None,
        "importance": [{"column": "area", "worse": 3, "value": 12.5}, {"column": "city", "worse": None, "value": None}],
        "answers": [[1, 2.5], [None, 3.0], [2.0, None]],
        "predicted": {"classes": ["a", "b"]},
    }
    (tmp_path / "diagnosis.json").write_text(json.dumps(content))
    diagnosis = read_diagnosis(str(tmp_path))

    assert (diagnosis.metric, diagnosis.rows, diagnosis.note) == ("mae", 500, "")
    assert diagnosis.importance == (
        ColumnImportance(column="area", worse=3.0, value=12.5),
        ColumnImportance(column="city", worse=0.0, value=None),
    )
    assert diagnosis.predictions == ((1.0, 2.5),)
    assert diagnosis.predicted == {"classes": ("a", "b")}


@pytest.mark.parametrize("text", ["{", "[1]", '{"importance": [1]}', '{"answers": [1]}'])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "diagnosis.json").write_text(text)
    with pytest.raises(ResourceError, match=r"diagnosis\.json is damaged: it does not contain a diagnosis"):
        read_diagnosis(str(tmp_path))
