"""What is set aside when a backup is put in the store's place; tests/faults has damaged stores and backups."""

from inspection import backup
from inspection.store import open_store


def test_what_the_old_store_s_writer_left_half_written_goes_aside_with_it(writer, tmp_path):
    writer.run("before")
    copy = tmp_path / "copy"
    backup.backup(str(tmp_path), None, str(copy))
    writer.run("after")
    left = {}
    for end in ("-journal", "-wal", "-shm"):
        left[end] = f"left by a killed writer: {end}"
        (tmp_path / f"metadata.sqlite{end}").write_text(left[end])
    aside = backup.restore(str(tmp_path), None, str(copy))

    assert [context.name for context in open_store(str(tmp_path), None).contexts("pipeline_run")] == ["before"]
    for end, text in left.items():
        assert not (tmp_path / f"metadata.sqlite{end}").exists()
        assert (tmp_path / f"{aside}{end}").read_text() == text
