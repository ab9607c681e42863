import json

from components.fingerprints import code_digest
from components.ingestion.component import ingestion as node
from spec import settings
from spec.columns.duties import Duties
from spec.data import Data

COLUMNS = {"id": "INT", "lat": "FLOAT", "city": "BYTES"}


def test_the_node_carries_digests_and_settings(tmp_path):
    data = Data(path="data.csv")

    def make(**changes):
        duties = Duties(id="id", weight="lat")
        usual = {"paths": "data.csv", "data": data, "columns": COLUMNS, "duties": duties, "content": "abc"}
        return node(**{**usual, "label": "lat", "complete": ("city",), **changes})

    ingestion = make()
    assert ingestion.id == "ingestion"
    assert ingestion.exec_properties["content"] == "abc"
    assert code_digest.of_parameters(ingestion.exec_properties)["modules"][:2] == [
        "components.ingestion.executor",
        "components.ingestion.readers.csv",
    ]
    assert settings.unpack(json.loads(ingestion.exec_properties["settings"])) == {
        "paths": "data.csv",
        "data": data.model_dump(mode="json", exclude={"path"}),
        "columns": COLUMNS,
        "duties": {"id": "id", "group": None, "time": None},
        "label": "lat",
        "complete": ["city"],
        "read": [],
        "unread": [],
        "notes": [],
        "classes": False,
    }
    many_columns = {f"column {number}": "INT" for number in range(200)}
    reference = make(columns=many_columns, settings_folder=str(tmp_path)).exec_properties["settings"]
    assert len(reference) < 2700
    assert settings.unpack(json.loads(reference))["columns"] == many_columns
