"""Files of a pushed version."""

import os

from serving import version_files


def test_a_file_is_flushed_to_disk_before_it_appears(tmp_path, monkeypatch):
    flushed, fsync = [], os.fsync

    def recorded(descriptor):
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    version_files.replace(f"{tmp_path}/7/record.json", b"{}")
    assert flushed == [f"{tmp_path}/7/record.json.partial"]
    assert (tmp_path / "7/record.json").read_bytes() == b"{}"
