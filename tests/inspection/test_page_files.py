"""Files that pages may show."""

import pytest

from errors import UserError
from inspection.web import page_files


def test_a_file_that_becomes_a_link_after_the_look_is_not_opened(tmp_path, monkeypatch):
    secret, page_file = tmp_path / "secret.txt", tmp_path / "artifact" / "shown.txt"
    page_file.parent.mkdir()
    secret.write_text("what nobody may read")
    page_file.write_text("shown")
    with page_files.opened(str(page_file.parent), "shown.txt") as file:
        assert file.read() == b"shown"
    looked = page_files.within

    def swapped(root, *names):
        path = looked(root, *names)
        page_file.unlink()
        page_file.symlink_to(secret)
        return path

    monkeypatch.setattr(page_files, "within", swapped)
    with pytest.raises(UserError, match="file not found"):
        page_files.opened(str(page_file.parent), "shown.txt")
