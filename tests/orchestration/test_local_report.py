"""The report at a run's end."""

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.store.metadata_store import Store
from orchestration.local import supervisor
from orchestration.records import run_record


def test_the_recorded_command_has_no_password(tmp_path, monkeypatch):
    line = ["/x/runner.py", "--local", "--metadata", "postgresql://me:s3cret-word@host/runs", "--set", "a=b://c"]
    monkeypatch.setattr("sys.argv", line)
    run_record.Record(str(tmp_path / "run"), {"run_id": "r"}).close("FAILED", "why")
    text = (tmp_path / "run/run.json").read_text()
    assert "s3cret" not in text
    assert "postgresql://me:***@host/runs" in text


def test_a_failed_report_is_a_warning_of_one_line(tmp_path, capsys):
    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()
    supervisor._report(Store(MetadataStore(config), location="memory"), "nobody", str(tmp_path / "gone"))
    output = capsys.readouterr().err
    assert output == "report.html could not be written: UserError: no run 'nobody' in memory\n"
