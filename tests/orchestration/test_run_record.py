"""What run.json keeps of a config."""

from orchestration.records import run_record
from pipeline.config import Config


def test_no_setting_of_a_notification_is_recorded(tmp_path):
    config = Config.model_validate(
        {
            "data": {"path": "x.csv"},
            "features": {"numeric": [{"column": "a"}]},
            "label": {"column": "y"},
            "notify": {"webhook": "https://host/SECRET", "command": "send SECRET"},
        }
    )
    values = run_record.without_secrets(config.plain())

    assert set(values) == set(config.plain()) - {"notify"}
    record = run_record.Record(str(tmp_path / "run"), {"config": values})
    record.close("COMPLETE", "")
    assert "SECRET" not in (tmp_path / "run" / "run.json").read_text()
