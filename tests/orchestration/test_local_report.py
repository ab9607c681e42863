"""The report at a run's end."""

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.store import Store
from orchestration import local


def test_a_report_that_cannot_be_written_is_one_line_and_no_failure(tmp_path, capsys):
    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()
    local._report(Store(MetadataStore(config), where="memory"), "nobody", str(tmp_path / "gone"))
    said = capsys.readouterr().err
    assert said == "No report of this run: UserError: no run 'nobody' in memory\n"
